package probe

import "fmt"

// Port is a port of a container.
type Port struct {
	Name   string // may be empty
	Number int32
}

// ResolvePort returns the port of a name among a container's ports, or number if
// the name is empty.
func ResolvePort(number int32, name string, ports []Port) (int, error) {
	if name != "" {
		found := false
		for _, p := range ports {
			if p.Name == name {
				number, found = p.Number, true
				break
			}
		}
		if !found {
			return 0, fmt.Errorf("port %q not found", name)
		}
	}
	if number <= 0 || number > 65535 {
		return 0, fmt.Errorf("invalid port number: %d", number)
	}
	return int(number), nil
}
