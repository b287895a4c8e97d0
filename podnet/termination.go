package podnet

import (
	"strings"

	"podnet.dev/podnet/internal/volume"
)

// The limits of a termination message (pkg/kubelet/container/runtime.go).
const (
	maxTerminationMessage    = 4 << 10 // bytes of the file, from its end
	maxTerminationLog        = 2 << 10 // bytes of the log, from its end
	maxTerminationLogLines   = 80
	maxPodTerminationMessage = 12 << 10 // bytes of all containers of a Pod together
)

// terminationFile is the name of the file in a tree of its own.
const terminationFile = "/message"

// newTermination makes the tree with the empty file that a run of a container
// may leave a message in. The file is mounted in the container.
func newTermination() (*volume.View, error) {
	v := volume.New(0).View()
	if err := v.WriteFile(terminationFile, nil, 0o666); err != nil {
		return nil, err
	}
	return v, v.Chmod(terminationFile, 0o666) // whatever the umask
}

// terminationMessage returns what the container has to say about its end with an
// exit code: what is in its termination message file or, if that is empty and
// the policy says so, the end of its log (getTerminationMessage in
// kuberuntime_container.go).
func (i *instance) terminationMessage(code int) string {
	spec := i.container.spec
	file, _ := i.termination.ReadFile(terminationFile) // nobody can remove it
	message := string(file[max(0, len(file)-maxTerminationMessage):])
	if message == "" && code != 0 && spec.TerminationMessagePolicy == TerminationMessageFallbackToLogsOnError {
		message = logEnd(i.log.String())
	}
	pod := i.container.pod.spec
	limit := maxPodTerminationMessage / (len(pod.Containers) + len(pod.InitContainers))
	return message[:min(len(message), limit)]
}

// logEnd returns the last lines of a log, cut to the limits.
func logEnd(log string) string {
	start := len(log)
	for range maxTerminationLogLines {
		start = strings.LastIndexByte(strings.TrimSuffix(log[:start], "\n"), '\n') + 1
		if start == 0 {
			break
		}
	}
	return log[max(start, len(log)-maxTerminationLog):]
}
