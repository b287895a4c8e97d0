package podnet

// MountVolumes and RefreshVolumes do what the Pod's worker does at its syncs,
// for tests that know it to be asleep.
func (p *Pod) MountVolumes() error { return p.mountVolumes() }

func (p *Pod) RefreshVolumes() (changed bool) { return p.refreshVolumes() }
