package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is counted is certain; memory and time are whatever they are.
func TestTheTable(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, 3, 2))
	columns := regexp.MustCompile(`  +`)
	memory, took := regexp.MustCompile(`^[1-9]\d* KiB$`), regexp.MustCompile(`^\d+(\.\d)?[mµ]?s$`)
	var got []string
	for line := range strings.Lines(out.String()) {
		fields := columns.Split(strings.TrimSpace(line), -1)
		require.Len(t, fields, 11, "%q", line)
		if len(got) > 0 {
			assert.Regexp(t, memory, fields[8])
			assert.Regexp(t, took, fields[10])
		}
		got = append(got, strings.Join(append(fields[:8], fields[9]), "|"))
	}
	assert.Equal(t, []string{
		"containers|an IP for|IPs|veths|routes|node routes|endpoints|policy entries|round trip to",
		"1|the Pod|2|1|6|2|1|2|localhost:8000",
		"1|each container|2|1|6|2|1|2|localhost:8000",
		"2|the Pod|2|1|6|2|1|2|localhost:8001",
		"2|each container|4|2|12|4|2|4|c1:8001",
		"3|the Pod|2|1|6|2|1|2|localhost:8002",
		"3|each container|6|3|18|6|3|6|c2:8002",
	}, got)
}
