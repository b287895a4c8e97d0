package transcript_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/transcript"
)

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []transcript.Exchange
		err  string
	}{
		"all there is": {
			text: "== first\n$ a b\n< in\n> out\n> \n! oh\n= 2\n$ c\n== second\n$ d\n",
			want: []transcript.Exchange{{Title: "first", Command: "a b", In: "in\n", Out: "out\n\n", Err: "oh\n", Code: 2}, {Command: "c"}, {Title: "second", Command: "d"}},
		},
		"output of nothing": {text: "> out\n", err: `:1: "> out" before the first command`},
		"an unknown mark":   {text: "$ a\n% b\n", err: `:2: what is "% b"?`},
		"a code of letters": {text: "$ a\n= x\n", err: `:2: "= x": expected integer`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "t.txt")
			require.NoError(t, os.WriteFile(file, []byte(tt.text), 0o600))
			got, err := transcript.Read(file)
			if tt.err != "" {
				assert.EqualError(t, err, file+tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}
