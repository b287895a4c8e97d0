package podnet

import "strings"

// expand replaces $(NAME) in a value, a command or an argument as the kubelet
// does: "$$" stands for "$", and a name that is not known stays as it is
// written (API documentation of EnvVar.value and Container.command).
func expand(text string, lookup func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text = after
		switch {
		case strings.HasPrefix(text, "$"):
			b.WriteByte('$')
			text = text[1:]
		case strings.HasPrefix(text, "("):
			name, rest, closed := strings.Cut(text[1:], ")")
			if !closed {
				b.WriteByte('$')
				continue
			}
			text = rest
			if value, ok := lookup(name); ok {
				b.WriteString(value)
			} else {
				b.WriteString("$(" + name + ")")
			}
		default:
			b.WriteByte('$')
		}
	}
}

// environment is a list of "NAME=value" in which each name stands once.
type environment []string

func (e environment) lookup(name string) (string, bool) {
	for _, have := range e {
		if value, ok := strings.CutPrefix(have, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// set appends a variable, or replaces the value of one that is there.
func (e environment) set(name, value string) environment {
	for i, have := range e {
		if strings.HasPrefix(have, name+"=") {
			e[i] = name + "=" + value
			return e
		}
	}
	return append(e, name+"="+value)
}

// env returns the environment of the container's main process: what the runtime
// sets, the variables of Services, and those of the spec, which may refer to
// Services and to those before them.
func (c *container) env() environment {
	services := environment(kubernetesEnv(c.pod.cluster.config.ServiceCIDRs[0]))
	env := environment{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOSTNAME=" + c.pod.hostname,
	}
	env = append(env, services...)
	known := services // what a value may refer to: not the runtime's variables
	for _, e := range c.spec.Env {
		value := expand(e.Value, known.lookup)
		known = known[:len(known):len(known)].set(e.Name, value)
		env = env.set(e.Name, value)
	}
	if _, ok := env.lookup("HOME"); !ok { // runc takes it from the image's /etc/passwd
		env = append(env, "HOME=/root")
	}
	return env
}

// commandLine returns the container's command and arguments, which may refer to
// variables of Services and of the spec.
func (c *container) commandLine() (command, args []string) {
	known := environment(kubernetesEnv(c.pod.cluster.config.ServiceCIDRs[0]))
	for _, e := range c.spec.Env {
		known = known.set(e.Name, expand(e.Value, known.lookup))
	}
	for _, word := range c.spec.Command {
		command = append(command, expand(word, known.lookup))
	}
	for _, word := range c.spec.Args {
		args = append(args, expand(word, known.lookup))
	}
	return command, args
}
