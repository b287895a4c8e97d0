package podnet

import (
	"cmp"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet/internal/volume"
)

// instance is one life of a container, from its start to the end of its main
// process: a file system, a log and processes. A restart makes a new one.
type instance struct {
	container *container
	sandbox   *sandbox
	root      *volume.View // the root layer alone
	view      *volume.View // with the mounts
	log       *containerLog
	main      *process

	termination *volume.View // has the termination message file

	mu        sync.Mutex // guards what follows
	processes map[int]*process
	lastPID   int
	ended     bool
}

// newProcess registers a process. It returns nil if the instance has ended.
func (i *instance) newProcess(p *process) *process {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return nil
	}
	i.lastPID++
	p.instance, p.pid, p.startedAt = i, i.lastPID, time.Now()
	p.uid, p.gid = i.container.user()
	p.killed, p.done = make(chan struct{}), make(chan struct{})
	p.resolver, p.owner = i.container.pod.newOwner(i.sandbox.net, i.container.spec.Name, p.pid, i.etcFile)
	p.owner.SetFiles(unixFiles{p})
	p.owner.SetUser(uint32(p.uid), uint32(p.gid))
	i.processes[p.pid] = p
	return p
}

// reap takes a process that has ended off the list. With the main process all
// others die, as those of a PID namespace do.
func (i *instance) reap(p *process) {
	i.mu.Lock()
	delete(i.processes, p.pid)
	if p != i.main {
		i.mu.Unlock()
		return
	}
	i.ended = true
	rest := make([]*process, 0, len(i.processes))
	for _, other := range i.processes {
		rest = append(rest, other)
	}
	i.mu.Unlock()
	for _, other := range rest {
		other.kill()
	}
}

func (i *instance) find(pid int) *process {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.processes[pid]
}

func (i *instance) list() []Process {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := make([]Process, 0, len(i.processes))
	for _, p := range i.processes {
		list = append(list, Process{PID: p.pid, PPID: p.ppid, UID: p.uid, GID: p.gid, Args: p.argv, StartedAt: p.startedAt})
	}
	slices.SortFunc(list, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return list
}

// etcFile returns the text of a file of the container's /etc, as its programs
// see it.
func (i *instance) etcFile(name string) string {
	text, err := i.view.ReadFile("/etc/" + name)
	if err != nil {
		return "" // removed or replaced: nothing is found in it
	}
	return string(text)
}

// stream is the writer of one stream of the log.
func (i *instance) stream(name string) io.Writer { return logStream{i.log, name} }

type logStream struct {
	log  *containerLog
	name string
}

func (s logStream) Write(b []byte) (int, error) {
	s.log.write(s.name, b)
	return len(b), nil
}

// newInstance makes the container's file system: a root layer with the
// directories and devices that a runtime provides, and what is mounted in it.
func (c *container) newInstance(s *sandbox, mounts []volume.Mount) (*instance, error) {
	i := &instance{container: c, sandbox: s, log: &containerLog{onLine: c.lineHook(), written: &c.logged}, processes: make(map[int]*process)}
	root := volume.New(0)
	i.root = root.View()
	for _, dir := range []string{"/dev", "/etc", "/proc", "/root", "/tmp", "/var"} {
		if err := i.root.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := i.root.Chmod("/tmp", 0o777|fs.ModeSticky); err != nil {
		return nil, err
	}
	for name, d := range map[string]volume.Device{
		"/dev/null":   {},
		"/dev/stdin":  {},
		"/dev/stdout": {Write: i.stream("stdout").Write},
		"/dev/stderr": {Write: i.stream("stderr").Write},
	} {
		if err := i.root.Mknod(name, 0o666, d); err != nil {
			return nil, err
		}
	}
	termination, err := newTermination()
	if err != nil {
		return nil, err
	}
	i.termination = termination
	message, err := termination.Node(terminationFile)
	if err != nil {
		return nil, err
	}
	mounts = append(mounts, volume.Mount{Path: c.spec.TerminationMessagePath, Node: message})
	if i.view, err = volume.NewView(root, mounts...); err != nil {
		return nil, err
	}
	if dir := c.workingDir(); dir != "/" { // a runtime makes it
		if err := i.view.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// mounts returns what is mounted in the container: the kubelet's files, unless
// the container mounts something there itself, and its volumes.
func (c *container) mounts(variables environment) ([]volume.Mount, error) {
	var mounts []volume.Mount
	taken := make(map[string]bool)
	for _, m := range c.spec.VolumeMounts {
		node, err := c.mountedNode(m, variables)
		if err != nil {
			return nil, err
		}
		path := "/" + strings.Trim(m.MountPath, "/")
		taken[path] = true
		mounts = append(mounts, volume.Mount{Path: path, Node: node, ReadOnly: m.ReadOnly || c.pod.volumes[m.Name].readOnly()})
	}
	for _, name := range kubeletFiles {
		if taken["/etc/"+name] {
			continue
		}
		node, err := c.pod.etc.View().Node("/" + name)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, volume.Mount{Path: "/etc/" + name, Node: node})
	}
	return mounts, nil
}

func (c *container) workingDir() string {
	return "/" + strings.Trim(cmp.Or(c.spec.WorkingDir, "/"), "/")
}
