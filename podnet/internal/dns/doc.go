// Package dns is how a Pod finds names: its resolv.conf and its hosts file.
package dns
