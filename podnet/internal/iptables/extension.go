package iptables

// extension is a match or a target while its options are read.
type extension interface {
	extension() string
	options() []option
	// set takes one option. The first word of args is the first behind the
	// option; there are as many as the option has.
	set(r *Rule, o *option, invert bool, args []string) error
	// check is called when all options are read.
	check(r *Rule, given uint32) error
}

// option is an option of an extension.
type option struct {
	name      string
	id        uint // options of one extension with the same id are the same
	args      int
	invert    bool   // ! may be in front
	multi     bool   // may come again, or the extension looks after that
	mandatory bool   // must be there
	excludes  uint32 // the ids that must not be there too, as bits
	needs     uint32 // the ids that must be there too
}

// checkOptions looks after the rules that options have among themselves. given is the
// ids that were there, as bits.
func checkOptions(e extension, given uint32) error {
	options := e.options()
	for _, o := range options {
		if given&(1<<o.id) == 0 {
			if o.mandatory {
				return bad("%s: option \"--%s\" must be specified\n", e.extension(), o.name)
			}
			continue
		}
		for id := range uint(32) {
			switch {
			case id == o.id:
			case o.needs&^given&(1<<id) != 0:
				return bad("%s: option \"--%s\" also requires \"--%s\".\n", e.extension(), o.name, firstName(options, id))
			case o.excludes&given&(1<<id) != 0:
				return bad("%s: option \"--%s\" cannot be used together with \"--%s\".\n", e.extension(), o.name, firstName(options, id))
			}
		}
	}
	return nil
}

// firstName returns the name under which errors speak of an id.
func firstName(options []option, id uint) string {
	for _, o := range options {
		if o.id == id {
			return o.name
		}
	}
	return ""
}

// use takes an option of an extension, after the checks that all options share.
func use(e extension, r *Rule, given *uint32, o *option, invert bool, args []string) error {
	if *given&(1<<o.id) != 0 && !o.multi {
		return bad("%s: option \"--%s\" can only be used once.\n", e.extension(), firstName(e.options(), o.id))
	}
	if invert && !o.invert {
		return bad("%s: option \"--%s\" cannot be inverted.\n", e.extension(), o.name)
	}
	if err := e.set(r, o, invert, args); err != nil {
		return err
	}
	*given |= 1 << o.id
	return nil
}

// unsupported is an option that the real extension has and this one has not.
func unsupported(e extension, o *option) error {
	return bad("%s: podnet does not support option \"--%s\".", e.extension(), o.name)
}
