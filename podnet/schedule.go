package podnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// ScheduleSpec describes a Schedule of Chaos Mesh's: a chaos that is made again and
// again, each time with another name and, it may be, with other Pods. With the
// Schedule they are deleted.
type ScheduleSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"; that of the chaos, too
	Labels      map[string]string
	Annotations map[string]string

	// Schedule is required: "@every 30s", or another time of one second or more.
	// The first chaos is made when it has passed once.
	Schedule string

	// ConcurrencyPolicy says what happens when the chaos before is not over. The
	// default is Forbid.
	ConcurrencyPolicy ConcurrencyPolicy

	// HistoryLimit is how many chaos are kept: beyond that the oldest are deleted,
	// if they are over. The default is 1.
	HistoryLimit int

	// Type says which of the three it is, of which the others must be nil. It has
	// neither name nor namespace.
	Type         ScheduleType
	NetworkChaos *NetworkChaosSpec
	PodChaos     *PodChaosSpec
	DNSChaos     *DNSChaosSpec
}

// ScheduleType is a kind of chaos.
type ScheduleType string

// The types of a Schedule.
const (
	ScheduleNetworkChaos ScheduleType = kindNetworkChaos
	SchedulePodChaos     ScheduleType = kindPodChaos
	ScheduleDNSChaos     ScheduleType = kindDNSChaos
)

// ConcurrencyPolicy says whether chaos of a Schedule may act at the same time.
type ConcurrencyPolicy string

// The policies of a Schedule.
const (
	ForbidConcurrent ConcurrencyPolicy = "Forbid" // the next one is left out
	AllowConcurrent  ConcurrencyPolicy = "Allow"
)

const kindSchedule = "Schedule"

// Validate reports everything in s that Chaos Mesh would refuse, and what podnet does
// not do. The error is an *[InvalidError]; it is nil if there is nothing to report.
func (s ScheduleSpec) Validate() error {
	var errs fieldErrors
	validateChaosMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	if _, err := parseSchedule(s.Schedule); err != nil {
		errs.add(FieldInvalid, "spec.schedule", s.Schedule, "parse schedule field error:"+err.Error())
	}
	oneOf(&errs, "spec.concurrencyPolicy", cmp.Or(s.ConcurrencyPolicy, ForbidConcurrent), ForbidConcurrent, AllowConcurrent)
	errs.notNegative("spec.historyLimit", int64(s.HistoryLimit))
	oneOf(&errs, "spec.type", s.Type, ScheduleDNSChaos, ScheduleNetworkChaos, SchedulePodChaos)
	for _, c := range []struct {
		of    ScheduleType
		given bool
		check func() error
	}{
		{ScheduleDNSChaos, s.DNSChaos != nil, func() error { return s.DNSChaos.named("", "x").Validate() }},
		{ScheduleNetworkChaos, s.NetworkChaos != nil, func() error { return s.NetworkChaos.named("", "x").Validate() }},
		{SchedulePodChaos, s.PodChaos != nil, func() error { return s.PodChaos.named("", "x").Validate() }},
	} {
		field := "spec." + strings.ToLower(string(c.of[:1])) + string(c.of[1:])
		if c.of == ScheduleDNSChaos {
			field = "spec.dnsChaos"
		}
		var invalid *InvalidError
		switch {
		case c.given && c.of != s.Type:
			errs.add(FieldForbidden, field, nil, fmt.Sprintf("the type is %s: remove it", s.Type))
		case c.of != s.Type:
		case !c.given:
			errs.add(FieldRequired, field, nil, "")
		case errors.As(c.check(), &invalid):
			for _, e := range invalid.Fields {
				e.Field = field + strings.TrimPrefix(e.Field, "spec")
				errs = append(errs, e)
			}
		}
	}
	return errs.err(kindSchedule, s.Name)
}

// parseSchedule reads what cron calls a descriptor.
func parseSchedule(schedule string) (time.Duration, error) {
	every, ok := strings.CutPrefix(schedule, "@every ")
	if !ok {
		return 0, errors.New(`podnet knows "@every 30s" and the like, and no times of the day`)
	}
	d, err := time.ParseDuration(every)
	if err == nil && d < time.Second {
		err = errors.New("must be one second at least")
	}
	return d, err
}

func (s ScheduleSpec) complete() (object, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	s.ConcurrencyPolicy, s.HistoryLimit = cmp.Or(s.ConcurrencyPolicy, ForbidConcurrent), cmp.Or(s.HistoryLimit, 1)
	return s, nil
}

func (s ScheduleSpec) id() objectID           { return objectID{kindSchedule, s.Namespace, s.Name} }
func (s ScheduleSpec) check(c *Cluster) error { return c.checkChaos(s) }
func (s ScheduleSpec) apply(c *Cluster) error { return c.applyChaos(s) }
func (s ScheduleSpec) lasts() time.Duration   { return 0 }
func (s ScheduleSpec) bare() chaosSpec        { s.Labels, s.Annotations = nil, nil; return s }

func (s ScheduleSpec) begin(_ *Cluster, r *rand.Rand) (chaosEffect, error) {
	return chaosEffect{loop: func(x *Chaos) { s.run(x, r) }}, nil
}

// named returns the chaos of a name, as it would be applied.
func (s ScheduleSpec) named(name string) Object {
	switch s.Type {
	case ScheduleNetworkChaos:
		return s.NetworkChaos.named(s.Namespace, name)
	case SchedulePodChaos:
		return s.PodChaos.named(s.Namespace, name)
	}
	return s.DNSChaos.named(s.Namespace, name)
}

func (s NetworkChaosSpec) named(namespace, name string) NetworkChaosSpec {
	s.Namespace, s.Name = namespace, name
	return s
}

func (s PodChaosSpec) named(namespace, name string) PodChaosSpec {
	s.Namespace, s.Name = namespace, name
	return s
}

func (s DNSChaosSpec) named(namespace, name string) DNSChaosSpec {
	s.Namespace, s.Name = namespace, name
	return s
}

// run makes chaos until the Schedule x ends.
func (s ScheduleSpec) run(x *Chaos, r *rand.Rand) {
	every, _ := parseSchedule(s.Schedule) // is valid
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var made []*Chaos // the latest last
	for {
		select {
		case <-ticker.C:
			made = s.spawn(x, r, made)
		case <-x.ctx.Done():
			if !errors.Is(context.Cause(x.ctx), ErrClosed) {
				for _, m := range made {
					m.Delete()
				}
			}
			return
		}
	}
}

// spawn makes a chaos, if it may, and deletes old ones. It returns those that there
// are.
func (s ScheduleSpec) spawn(x *Chaos, r *rand.Rand, made []*Chaos) []*Chaos {
	if s.ConcurrencyPolicy == ForbidConcurrent {
		for _, m := range made {
			if !m.isOver() {
				x.emit("Warning", "Forbid", fmt.Sprintf("Forbid spawning new job because: %s is still running", m.Name()))
				return made
			}
		}
	}
	name := generateName(r, s.Name+"-")
	if err := x.cluster.Apply(x.ctx, s.named(name)); err != nil {
		if x.ctx.Err() == nil && !errors.Is(err, ErrClosed) {
			x.emit("Warning", "Failed", "Failed to create new object: "+err.Error())
		}
		return made
	}
	x.emit("Normal", "Spawned", "Create new object: "+name)
	if m := x.cluster.findChaos(string(s.Type), s.Namespace, name); m != nil {
		made = append(made, m)
	}
	for i := 0; len(made) > s.HistoryLimit && i < len(made)-1; {
		if !made[i].isOver() {
			i++
			continue
		}
		made[i].Delete()
		made = append(made[:i], made[i+1:]...)
	}
	return made
}

func (x *Chaos) isOver() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}
