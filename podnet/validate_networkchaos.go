package podnet

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Validate reports everything in s that Chaos Mesh would refuse, in its words
// (api/v1alpha1, networkchaos_webhook.go), and what podnet does not do. The error is
// an *[InvalidError]; it is nil if there is nothing to report.
func (s NetworkChaosSpec) Validate() error {
	var errs fieldErrors
	validateChaosMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	oneOf(&errs, "spec.action", s.Action, NetworkChaosNetem, NetworkChaosDelay, NetworkChaosLoss, NetworkChaosDuplicate,
		NetworkChaosCorrupt, NetworkChaosPartition, NetworkChaosBandwidth)
	s.selected().validate(&errs, "spec")
	validateChaosDuration(&errs, s.Duration)
	direction := cmp.Or(s.Direction, ChaosDirectionTo)
	oneOf(&errs, "spec.direction", direction, ChaosDirectionTo, ChaosDirectionFrom, ChaosDirectionBoth)
	if s.Target != nil {
		s.Target.validate(&errs, "spec.target")
	} else if direction != ChaosDirectionTo && !s.partitions() {
		errs.add(FieldInvalid, "spec.direction", direction, "`from` and `both` direction cannot be used when targets is empty in netem action")
	}
	s.validateParts(&errs)
	s.conditions(&errs, 1500)
	return errs.err(kindNetworkChaos, s.Name)
}

// validateParts reports what the action needs and is not there, and what is there
// that it does not look at.
func (s NetworkChaosSpec) validateParts(errs *fieldErrors) {
	netem := 0
	for _, part := range []struct {
		action NetworkChaosAction
		given  bool
	}{
		{NetworkChaosDelay, s.Delay != nil}, {NetworkChaosLoss, s.Loss != nil}, {NetworkChaosDuplicate, s.Duplicate != nil},
		{NetworkChaosCorrupt, s.Corrupt != nil}, {NetworkChaosBandwidth, s.Bandwidth != nil},
	} {
		field := "spec." + string(part.action)
		switch {
		case s.Action == part.action && !part.given:
			errs.add(FieldRequired, field, nil, fmt.Sprintf("the action %s says nothing without it", s.Action))
		case !part.given:
		case s.partitions(), (s.Action == NetworkChaosBandwidth) != (part.action == NetworkChaosBandwidth):
			errs.add(FieldForbidden, field, nil, fmt.Sprintf("the action %s does not look at it: make it a NetworkChaos of its own", s.Action))
		default:
			netem++
		}
	}
	if s.Action == NetworkChaosNetem && netem == 0 {
		errs.add(FieldRequired, "spec", nil, "invalid spec for netem action, at least one is required from delay, loss, duplicate, corrupt")
	}
}

// conditions returns what the spec says of links whose packets have mtu bytes at
// most, and adds what is wrong to errs.
func (s NetworkChaosSpec) conditions(errs *fieldErrors, mtu int) (c Conditions) {
	if d := s.Delay; d != nil {
		c.Latency = chaosTime(errs, "spec.delay", "latency", d.Latency)
		c.Jitter = chaosTime(errs, "spec.delay", "jitter", cmp.Or(d.Jitter, "0ms"))
		uncorrelated(errs, "spec.delay", d.Correlation)
		d.Reorder.conditions(errs, &c)
	}
	if l := s.Loss; l != nil {
		c.Loss = percentage(errs, "spec.loss", "loss", l.Loss)
		uncorrelated(errs, "spec.loss", l.Correlation)
	}
	if d := s.Duplicate; d != nil {
		c.Duplicate = percentage(errs, "spec.duplicate", "duplicate", d.Duplicate)
		uncorrelated(errs, "spec.duplicate", d.Correlation)
	}
	if k := s.Corrupt; k != nil {
		c.Corrupt = percentage(errs, "spec.corrupt", "corrupt", k.Corrupt)
		uncorrelated(errs, "spec.corrupt", k.Correlation)
	}
	if b := s.Bandwidth; b != nil {
		rate, err := bytesPerSecond(b.Rate)
		if err != nil {
			errs.add(FieldInvalid, "spec.bandwidth.rate", b.Rate, "parse rate field error:"+err.Error())
		}
		errs.between("spec.bandwidth.limit", int64(b.Limit), 1, math.MaxUint32)
		errs.between("spec.bandwidth.buffer", int64(b.Buffer), 1, math.MaxUint32)
		c.Bandwidth, c.Queue = 8*rate, max(1, int(int64(b.Limit)/int64(mtu)))
	}
	return c
}

// conditions makes a delay one that some packets do not have: those that have it
// are late, and the others overtake them.
func (r *ChaosReorder) conditions(errs *fieldErrors, c *Conditions) {
	const at = "spec.delay.reorder"
	if r == nil {
		return
	}
	p := percentage(errs, at, "reorder", r.Reorder)
	uncorrelated(errs, at, r.Correlation)
	if r.Gap != 0 && r.Gap != 1 {
		errs.add(FieldInvalid, at+".gap", r.Gap, "must be 0 or 1: podnet draws each packet by itself")
	}
	if c.Jitter > 0 {
		errs.add(FieldForbidden, "spec.delay.jitter", nil, "podnet has no jitter together with reorder: remove one of them")
	}
	if p > 0 && c.Latency > 0 {
		c.Latency, c.Reorder, c.ReorderDelay = 0, 1-p, c.Latency
	}
}

// chaosTime reads a time that is not negative.
func chaosTime(errs *fieldErrors, at, field, value string) time.Duration {
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		errs.add(FieldInvalid, at+"."+field, value, fmt.Sprintf("parse %s field error:%v", field, err))
	case d < 0:
		errs.add(FieldInvalid, at+"."+field, value, "must not be negative")
	}
	return d
}

// percentage reads a percentage, and returns the probability.
func percentage(errs *fieldErrors, at, field, value string) float64 {
	p, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil:
		errs.add(FieldInvalid, at+"."+field, value, fmt.Sprintf("parse %s field error:%v", field, err))
	case !(p >= 0 && p <= 100): // nor NaN
		errs.add(FieldInvalid, at+"."+field, value, "must be a percentage between 0 and 100")
	}
	return p / 100
}

// uncorrelated reports a correlation.
func uncorrelated(errs *fieldErrors, at, value string) {
	switch p, err := strconv.ParseFloat(cmp.Or(value, "0"), 64); {
	case err != nil:
		errs.add(FieldInvalid, at+".correlation", value, fmt.Sprintf("parse correlation field error:%v", err))
	case p != 0:
		errs.add(FieldInvalid, at+".correlation", value, `must be "0", or left out: podnet draws each packet by itself`)
	}
}

// rateUnits are those that Chaos Mesh knows, each 1024 of the one before.
var rateUnits = []string{"bps", "kbps", "mbps", "gbps", "tbps"}

// bytesPerSecond reads a rate as Chaos Mesh does (ConvertUnitToBytes in
// networkchaos_webhook.go).
func bytesPerSecond(rate string) (int64, error) {
	s := strings.ToLower(strings.TrimSpace(rate))
	for i := len(rateUnits) - 1; i >= 0; i-- {
		digits, ok := strings.CutSuffix(s, rateUnits[i])
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 64)
		switch {
		case err != nil:
			return 0, err
		case n == 0:
			return 0, errors.New("must be greater than 0: a partition lets nothing through")
		case n > math.MaxInt64>>3>>(10*i):
			return 0, errors.New("value out of range")
		}
		return int64(n) << (10 * i), nil
	}
	return 0, errors.New("invalid unit: give a whole number of " + strings.Join(rateUnits, ", ") + ", which are bytes per second")
}
