package oracle

// What a test of another branch needs, so that go.mod stays tidy until it is
// there.
import (
	_ "k8s.io/kubernetes/pkg/probe/grpc"
	_ "k8s.io/kubernetes/pkg/probe/http"
	_ "k8s.io/kubernetes/pkg/probe/tcp"
)
