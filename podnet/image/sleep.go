package image

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"podnet.dev/podnet"
)

// sleep is sleep number[smhd]...; the numbers add up, and "infinity" is one.
func sleep(ctx context.Context, p *proc) int {
	if len(p.args) == 0 {
		return p.usageError()
	}
	total := time.Duration(0)
	for _, arg := range p.args {
		d, ok := seconds(arg)
		if !ok {
			p.errorf("invalid number '%s'", arg)
			return 1
		}
		if total += d; total < 0 {
			total = math.MaxInt64
		}
	}
	pause(ctx, total)
	return 0
}

// pause waits for d, or for ever if it is the longest duration.
func pause(ctx context.Context, d time.Duration) {
	var after <-chan time.Time
	if d < math.MaxInt64 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-after:
	case <-ctx.Done():
	}
}

// seconds reads a time as sleep and timeout take it.
func seconds(s string) (time.Duration, bool) {
	if s == "inf" || s == "infinity" {
		return math.MaxInt64, true
	}
	unit := time.Second
	if s != "" {
		u, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[len(s)-1]]
		if ok {
			unit, s = u, s[:len(s)-1]
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	if d := n * float64(unit); d < math.MaxInt64 {
		return time.Duration(d), true
	}
	return math.MaxInt64, true
}

// timeout is timeout [-s signal] [-k seconds] seconds command...
func timeout(ctx context.Context, p *proc) int {
	opts, args, ok := p.options("+s:k:", map[string]string{"signal=": "s", "kill-after=": "k"})
	if !ok {
		return 1
	}
	sig, grace := podnet.SIGTERM, time.Duration(math.MaxInt64)
	for _, o := range opts {
		if o.name == "s" {
			n, ok := signalNumber(o.value)
			if !ok {
				p.errorf("unknown signal '%s'", o.value)
				return 1
			}
			sig = podnet.Signal(n)
			continue
		}
		if grace, ok = seconds(o.value); !ok {
			p.errorf("invalid number '%s'", o.value)
			return 1
		}
	}
	if len(args) < 2 {
		return p.usageError()
	}
	limit, ok := seconds(args[0])
	if !ok {
		p.errorf("invalid number '%s'", args[0])
		return 1
	}
	argv := args[1:]
	x, err := p.img.find(p.FS(), p.dir, p.searchPath(), argv[0])
	if err != nil {
		p.errorf("can't execute '%s': %s", argv[0], strerror(err))
		return execFailed(err)
	}
	if limit == 0 {
		limit = math.MaxInt64 // no limit
	}
	pid, done := make(chan int, 1), make(chan int, 1)
	go func() {
		st := p.startup()
		done <- exitStatus(p.Run(ctx, podnet.Cmd{
			Args: argv, Env: st.env, Dir: st.dir, Stdin: st.in, Stdout: st.out, Stderr: st.err,
			Program: func(ctx context.Context, c *podnet.Container) error {
				pid <- c.PID()
				return p.img.exec(ctx, c, x, argv, st)
			},
		}))
	}()
	clock := time.NewTimer(limit)
	defer clock.Stop()
	select {
	case status := <-done:
		return status
	case <-clock.C:
	}
	child := <-pid
	p.Signal(child, sig)
	clock.Reset(grace)
	status := 0
	select {
	case status = <-done:
	case <-clock.C:
		p.Signal(child, podnet.SIGKILL)
		status = <-done
	}
	switch status { // the shell says so of the real one, which becomes the program
	case 128 + int(podnet.SIGTERM):
		fmt.Fprintln(p.err, "Terminated")
	case 128 + int(podnet.SIGKILL):
		fmt.Fprintln(p.err, "Killed")
	}
	return status
}

// yes is yes [word...].
func yes(ctx context.Context, p *proc) int {
	line := "y\n"
	if len(p.args) > 0 {
		line = strings.Join(p.args, " ") + "\n"
	}
	for ctx.Err() == nil {
		runtime.Gosched() // one thread may be all there is
		if _, err := p.out.Write([]byte(line)); err != nil {
			return 1
		}
	}
	return 1
}

// seq is seq [-w] [-s separator] [first [step]] last.
func seq(ctx context.Context, p *proc) int {
	args := p.args
	sep, wide := "\n", false
	for len(args) > 0 && (args[0] == "-w" || args[0] == "-s" && len(args) > 1) { // "-1" is a number
		if args[0] == "-w" {
			wide, args = true, args[1:]
		} else {
			sep, args = args[1], args[2:]
		}
	}
	if len(args) < 1 || len(args) > 3 {
		return p.usageError()
	}
	nums := make([]float64, len(args))
	places := 0
	for i, a := range args {
		n, err := strconv.ParseFloat(a, 64)
		if err != nil {
			return p.usageError()
		}
		nums[i] = n
		if i < len(args)-1 || len(args) == 1 {
			places = max(places, decimals(a))
		}
	}
	first, step, last := 1.0, 1.0, nums[len(nums)-1]
	if len(nums) > 1 {
		first = nums[0]
	}
	if len(nums) > 2 {
		step = nums[1]
	}
	width := 0
	if wide {
		width = max(len(strconv.FormatFloat(first, 'f', places, 64)), len(strconv.FormatFloat(last, 'f', places, 64)))
	}
	between := ""
	for i := 0; ctx.Err() == nil; i++ {
		n := first + float64(i)*step
		if step > 0 && n > last+1e-9 || step < 0 && n < last-1e-9 {
			break
		}
		if _, err := fmt.Fprintf(p.out, "%s%0*.*f", between, width, places, n); err != nil {
			return 1
		}
		between = sep
	}
	if between != "" {
		fmt.Fprintln(p.out)
	}
	return 0
}

func decimals(s string) int {
	for i := range s {
		if s[i] == '.' {
			return len(s) - i - 1
		}
	}
	return 0
}
