package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

// report is what `podnet check` says, and its JSON.
type report struct {
	Findings []finding   `json:"findings"`
	Pods     []podReport `json:"pods"`
}

// podReport is the port plan of a Pod.
type podReport struct {
	File      string    `json:"file"`
	Kind      string    `json:"kind,omitempty"` // of the workload that makes the Pods; empty for a Pod
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Ports     []portUse `json:"ports"`
}

func (a *app) checkCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what will go wrong with manifests, without running them",
		Long: `Check reads manifests ("-" is stdin), says what will go wrong with their Pods and
prints which container listens on which port, as a table to paste into
documentation. Nothing is run.

It finds: manifests that Kubernetes or podnet would refuse, as for a mount
without a volume; ports that two containers of a Pod want, declared or by their
image's default; ports and port names that are declared twice, and ports that
the image does not listen on; volumes that no container mounts, or only one;
commands that read the logs of another container's image without sharing its
directory; images that podnet does not have; commands that end at once; probes
of ports that nothing is known to listen on; containers that reach their own Pod
through a Service, or instead of one; Services that lead to no Pod or to no port;
NetworkPolicies that select nothing, name ports that nobody has, or keep Pods from
the DNS; chaos that selects nothing. Of Deployments and StatefulSets it looks at the template.

Exit code: 0 without findings or with warnings only; 1 if there is an error:
something that will fail; 2 for wrong arguments and files that cannot be read.`,
		Example: `  podnet check pod.yaml
  kubectl get pod web -o yaml | podnet check --output json -`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeManifests,
		RunE: func(_ *cobra.Command, files []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("invalid argument %q for --output: want text or json", output)
			}
			return a.check(files, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT` of the output: text or json")
	// The flag exists, so there is no error.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) check(files []string, output string) error {
	r, unread := a.examine(files)
	if len(unread) > 0 {
		return &exitError{exitUsage, unread}
	}
	var err error
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		_, err = io.WriteString(a.stdout, r.text())
	}
	if err != nil {
		return &exitError{exitFailed, []error{err}}
	}
	for _, f := range r.Findings {
		if f.Severity == severityError {
			return &exitError{code: exitFailed}
		}
	}
	return nil
}

// examine returns the report on manifests, and which of them cannot be read.
func (a *app) examine(files []string) (r report, unread []error) {
	pods, others, errs := load(a.stdin, files)
	r = report{Findings: []finding{}, Pods: []podReport{}} // [] in JSON, not null
	for _, err := range errs {
		f, ok := findingsOf(err)
		if !ok {
			unread = append(unread, err)
		}
		r.Findings = append(r.Findings, f...)
	}
	for _, pod := range pods {
		an := analyse(pod, a.images)
		r.Findings = append(r.Findings, an.findings...)
		p := podReport{File: pod.file, Namespace: pod.namespace(), Name: pod.spec.Name, Ports: append([]portUse{}, an.ports...)}
		if pod.workload != nil {
			p.Kind = identify(pod.workload).kind
		}
		r.Pods = append(r.Pods, p)
	}
	r.Findings = append(r.Findings, newNetwork(pods, others, a.images).findings()...)
	return r, unread
}

// findingsOf turns an error of load into findings, or reports false if it says
// nothing about a manifest.
func findingsOf(err error) ([]finding, bool) {
	var duplicate *duplicateError
	if errors.As(err, &duplicate) {
		return []finding{{
			Severity: severityError, File: duplicate.file, Object: duplicate.again.String(), Field: "metadata.name",
			Message: "The " + duplicate.again.kind + " is already in " + duplicate.first + ".", Fix: "Give it another name.",
		}}, true
	}
	var bad *manifest.Error
	if !errors.As(err, &bad) {
		return nil, false
	}
	file := bad.File
	if bad.Document > 0 {
		file = fmt.Sprintf("%s: document %d (line %d)", file, bad.Document, bad.Line)
	}
	var invalid *podnet.InvalidError
	if !errors.As(err, &invalid) {
		return []finding{{Severity: severityError, File: file, Message: bad.Err.Error()}}, true
	}
	var list []finding
	for _, f := range invalid.Fields {
		list = append(list, invalidField(file, invalid, f))
	}
	return list, true
}

// invalidField is the finding of a field for which a manifest is refused.
func invalidField(file string, invalid *podnet.InvalidError, f *podnet.FieldError) finding {
	found := finding{
		Severity: severityError, File: file, Object: invalid.Kind + " " + invalid.Name, Field: f.Field,
		Message: strings.TrimPrefix(f.Error(), f.Field+": "),
	}
	if name, ok := f.Value.(string); ok && f.Type == podnet.FieldNotFound && strings.Contains(f.Field, ".volumeMounts[") {
		found.Message += fmt.Sprintf(". The Pod is refused: it has no volume %q to mount.", name)
		found.Fix = fmt.Sprintf("Declare volume %q in spec.volumes, or remove the mount.", name)
	}
	return found
}

// text returns the report for people.
func (r report) text() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s", f.Severity, f.File)
		for _, part := range []string{f.Object, f.Field} {
			if part != "" {
				fmt.Fprintf(&b, ": %s", part)
			}
		}
		fmt.Fprintf(&b, "\n  %s\n", f.Message)
		if f.Fix != "" {
			fmt.Fprintf(&b, "  %s\n", f.Fix)
		}
		b.WriteByte('\n')
	}
	if len(r.Findings) == 0 {
		b.WriteString("Nothing was found that will go wrong.\n\n")
	}
	for i, p := range r.Pods {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.writeTable(&b)
	}
	return strings.TrimSuffix(b.String(), "\n") + "\n"
}

// writeTable prints the port plan as a table of GitHub's Markdown, with columns
// that are aligned for those who read it as it is.
func (p podReport) writeTable(b *strings.Builder) {
	title := identity{cmp.Or(p.Kind, "Pod"), p.Namespace, p.Name}.String()
	if len(p.Ports) == 0 {
		fmt.Fprintf(b, "Ports of %s: none known.\n", title)
		return
	}
	fmt.Fprintf(b, "Ports of %s:\n\n", title)
	rows := [][]string{{"Port", "Protocol", "Name", "Container", "Source", "Note"}}
	for _, u := range p.Ports {
		rows = append(rows, []string{fmt.Sprint(u.Port), string(u.Protocol), u.Name, u.Container, u.Source, u.Note})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell), 3)
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				b.WriteString("| " + strings.Repeat("-", w) + " ")
			}
			b.WriteString("|\n")
		}
	}
}
