package kubelet

import (
	"fmt"
	"time"
)

// pull is the history of one image's pulls for a Pod.
type pull struct {
	backOff
	lastError string // of the last failed pull: its reason and text
}

// ensureImage makes sure that the container's image is there, by its policy.
// It returns nil also if the worker's context ended during a pull.
// (images/image_manager.go has the rules and the texts.)
func (w *Worker) ensureImage(c *container) *failure {
	image := c.spec.Image
	if image == "" {
		return nil
	}
	policy := c.spec.PullPolicy
	if policy == "" {
		policy = defaultPullPolicy(image)
	}
	if _, _, err := parseImage(image); err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: %v", image, err)
		w.event(c, EventWarning, eventInspectFailed, "%s", message)
		return &failure{reason: ReasonInvalidImageName, message: message}
	}
	if policy != PullAlways {
		if w.runtime.ImagePresent(image) {
			// The last words come with the gate KubeletEnsureSecretPulledImages,
			// on since 1.35.
			w.event(c, EventNormal, eventPulled, "Container image %q already present on machine and can be accessed by the pod", image)
			return nil
		}
		if policy == PullNever {
			message := fmt.Sprintf("Container image %q is not present with pull policy of Never", image)
			w.event(c, EventWarning, eventErrImageNeverPull, "%s", message)
			return &failure{reason: ReasonErrImageNeverPull, message: message}
		}
	}
	return w.pullImage(c, image)
}

// pullImage pulls the image unless a pull failed a short while ago.
func (w *Worker) pullImage(c *container, image string) *failure {
	history := w.pulls[image]
	if history == nil {
		history = &pull{}
		w.pulls[image] = history
	}
	start := time.Now()
	if until := history.untilUpdate(start); start.Before(until) {
		message := fmt.Sprintf("Back-off pulling image %q", image)
		w.event(c, EventNormal, eventBackOff, "%s", message)
		return &failure{
			reason:     ReasonImagePullBackOff,
			message:    message + ": " + history.lastError,
			imageUntil: until,
		}
	}

	w.event(c, EventNormal, eventPulling, "Pulling image %q", image)
	size, err := w.runtime.PullImage(w.ctx, image)
	now := time.Now()
	if err == nil {
		// The kubelet tells the pull from the wait for its turn; here is no queue.
		took := now.Sub(start).Truncate(time.Millisecond)
		w.event(c, EventNormal, eventPulled, "Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.",
			image, took, took, size)
		return nil
	}
	if w.ctx.Err() != nil {
		return nil
	}
	w.event(c, EventWarning, eventFailed, "Failed to pull image %q: %v", image, err)
	history.step(now, now)
	history.lastError = fmt.Sprintf("%s: %v", ReasonErrImagePull, err)
	return &failure{
		reason:     ReasonErrImagePull,
		message:    err.Error(),
		imageUntil: history.untilUpdate(now),
	}
}
