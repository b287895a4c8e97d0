package oracle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1 "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	_ "k8s.io/kubernetes/pkg/probe/grpc"
	_ "k8s.io/kubernetes/pkg/probe/http"
	_ "k8s.io/kubernetes/pkg/probe/tcp"

	"podnet.dev/podnet"
)

func TestTheSmallestPodIsAllRight(t *testing.T) {
	pod := &v1.Pod{}
	pod.Name, pod.Namespace = "a", "default"
	pod.Spec.Containers = []v1.Container{{Name: "c", Image: "i"}}
	corev1.SetObjectDefaults_Pod(pod)
	var in core.Pod
	assert.NoError(t, corev1.Convert_v1_Pod_To_core_Pod(pod, &in, nil))
	assert.Empty(t, validation.ValidatePodCreate(&in, validation.PodValidationOptions{}))
	assert.NoError(t, podnet.PodSpec{Name: "a", Containers: []podnet.ContainerSpec{{Name: "c", Image: "i"}}}.Validate())
}
