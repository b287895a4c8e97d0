package podnet

// ContainerRestartRule says what happens when a container ends with certain
// exit codes.
type ContainerRestartRule struct {
	Action    ContainerRestartRuleAction // required
	ExitCodes *ContainerRestartRuleOnExitCodes
}

// ContainerRestartRuleAction is what a [ContainerRestartRule] does.
type ContainerRestartRuleAction string

// The actions of Kubernetes.
const (
	// RestartRuleActionRestart starts the container again.
	RestartRuleActionRestart ContainerRestartRuleAction = "Restart"
	// RestartRuleActionRestartAllContainers kills all containers of the Pod and
	// starts it anew, init containers first, in the same sandbox.
	RestartRuleActionRestartAllContainers ContainerRestartRuleAction = "RestartAllContainers"
)

// ContainerRestartRuleOnExitCodes says which exit codes a rule is for.
type ContainerRestartRuleOnExitCodes struct {
	Operator ContainerRestartRuleOperator // required
	Values   []int32                      // at most 255
}

// ContainerRestartRuleOperator compares an exit code with a rule's Values.
type ContainerRestartRuleOperator string

// The operators of Kubernetes.
const (
	RestartRuleOpIn    ContainerRestartRuleOperator = "In"
	RestartRuleOpNotIn ContainerRestartRuleOperator = "NotIn"
)
