package oracle

import (
	"testing"

	"go.uber.org/goleak"
	"k8s.io/kubernetes/pkg/capabilities"
)

func TestMain(m *testing.M) {
	capabilities.Setup(true, 0) // --allow-privileged, as kubeadm sets it
	goleak.VerifyTestMain(m)
}
