package podnet

import "errors"

// This file stands in for the methods that make ConfigMaps and Secrets objects
// of a cluster.

var errStub = errors.New("podnet: ConfigMaps and Secrets cannot be applied yet")

func (ConfigMapSpec) check(*Cluster) error { return errStub }
func (ConfigMapSpec) apply(*Cluster) error { return errStub }

func (SecretSpec) check(*Cluster) error { return errStub }
func (SecretSpec) apply(*Cluster) error { return errStub }
