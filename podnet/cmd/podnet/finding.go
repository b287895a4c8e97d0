package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

// The severities of findings.
const (
	severityError   = "error"   // it will fail
	severityWarning = "warning" // it may not be what was meant
	severityNote    = "note"    // it is good to know
)

// finding is something that will go wrong, or may.
type finding struct {
	Severity string `json:"severity"`
	File     string `json:"file"`
	Object   string `json:"object,omitempty"` // "Pod web"
	Field    string `json:"field,omitempty"`  // "spec.containers[0].image"
	Message  string `json:"message"`          // what will happen
	Fix      string `json:"fix,omitempty"`    // what to do about it
}

// analysis looks at one Pod without running it.
type analysis struct {
	pod      source
	images   imageSet
	ports    []portUse
	findings []finding
}

// analyse returns what can be said of a Pod before it runs.
func analyse(pod source, images imageSet) *analysis {
	a := &analysis{pod: pod, images: images, ports: portPlan(pod.spec, images)}
	a.checkClashes()
	a.checkPorts()
	a.checkMeshes()
	a.checkProbes()
	a.checkLogFiles()
	a.checkVolumes()
	a.checkImages()
	a.checkWarnings()
	return a
}

func (a *analysis) add(severity, field, message, fix string) {
	a.findings = append(a.findings, finding{severity, a.pod.file, a.pod.object(), a.pod.field(field), message, fix})
}

// failing says what becomes of a container that ends with an error.
func (a *analysis) failing(c member) string {
	if c.restarts(a.pod.spec, 1) {
		return "crash-loops"
	}
	return "ends with an error"
}

// checkImages finds containers that cannot start, or have nothing to do.
func (a *analysis) checkImages() {
	known := strings.Join(slices.Sorted(maps.Keys(a.images.programs)), ", ")
	for _, c := range members(a.pod.spec) {
		field := c.field + ".image"
		if _, ok := a.images.describe(c.Image); !ok {
			reason := "ErrImagePull, then ImagePullBackOff"
			if c.ImagePullPolicy == podnet.PullNever {
				reason = "ErrImageNeverPull"
			}
			a.add(severityWarning, field,
				fmt.Sprintf("podnet has no program for image %q: %s will not start (%s).", c.Image, c.Name, reason),
				"Use an image that podnet has ("+known+"), or run the Pod from Go with Config.Images.")
			continue
		}
		code, ends := a.images.endsAtOnce(c.ContainerSpec)
		if ends && c.restarts(a.pod.spec, code) {
			a.add(severityWarning, field,
				fmt.Sprintf("The command of %s has nothing to do and ends at once with exit code %d: %s is restarted again and again (CrashLoopBackOff).", c.Name, code, c.Name),
				`Give it a command that stays, such as ["sleep", "infinity"], or another restartPolicy.`)
		}
	}
}

// checkWarnings adds the API server's other warnings. Those of ports are told
// better by checkClashes and checkPorts.
func (a *analysis) checkWarnings() {
	for _, w := range a.pod.warnings() {
		if f := warningFinding(a.pod.file, identify(a.pod.given()), w); !strings.Contains(f.Field, ".ports[") {
			a.findings = append(a.findings, f)
		}
	}
}

// warningFinding tells of a warning of the API server.
func warningFinding(file string, object identity, warning string) finding {
	field, message, ok := strings.Cut(warning, ": ")
	if !ok || strings.Contains(field, " ") { // it names none
		field, message = "", warning
	}
	return finding{severityWarning, file, object.String(), field, "The API server warns: " + message + ".", ""}
}
