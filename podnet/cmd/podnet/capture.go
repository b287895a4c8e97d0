package main

import (
	"errors"
	"fmt"
	"os"

	"podnet.dev/podnet"
	"podnet.dev/podnet/capture"
)

// captureFile is the file of --capture. A nil one is none.
type captureFile struct {
	file    *os.File
	config  capture.Config
	running *capture.Capture
	err     error // why it does not run
}

// startCapture makes the file, before anything is started.
func startCapture(name, filter string) (*captureFile, error) {
	f, err := podnet.ParseTraceFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("invalid argument %q for --capture-filter: %w", filter, errors.Unwrap(err))
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, &exitError{exitUsage, []error{fmt.Errorf("--capture: %w", err)}}
	}
	return &captureFile{file: file, config: capture.Config{Filter: f}}, nil
}

// begin captures what happens in a cluster.
func (k *captureFile) begin(c *podnet.Cluster) {
	if k != nil {
		k.running, k.err = capture.Start(c, k.file, k.config)
	}
}

// end returns why not all could be written.
func (k *captureFile) end() error {
	if k == nil {
		return nil
	}
	err := k.err
	if k.running != nil {
		err = k.running.Stop()
	}
	if err = errors.Join(err, k.file.Close()); err != nil {
		return fmt.Errorf("--capture: %w", err)
	}
	return nil
}

// Close closes the file, if end has not.
func (k *captureFile) Close() error {
	if k == nil {
		return nil
	}
	return k.file.Close()
}
