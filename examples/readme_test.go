// Package examples holds programs and tests to copy from.
package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var snippet = regexp.MustCompile("(?s)<!-- from ([^ ]+) -->\n```[a-z]*\n(.*?)```")

// The Go code of the documents is code that compiles and runs as a test: each
// snippet stands word for word in the file that the comment above it names.
func TestSnippetsAreFromFilesThatRun(t *testing.T) {
	documents, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, doc := range append(documents, more...) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		marked := snippet.FindAllStringSubmatch(string(text), -1)
		if all := strings.Count(string(text), "```go\n"); all > len(marked) {
			t.Errorf("%s has %d Go snippets, and only %d say which file they are from", doc, all, len(marked))
		}
		for _, m := range marked {
			found++
			src, err := os.ReadFile(filepath.Join("..", m[1]))
			if err != nil {
				t.Errorf("%s: %v", doc, err)
				continue
			}
			if !strings.Contains(string(src), m[2]) {
				t.Errorf("%s: the snippet is not in %s:\n%s", doc, m[1], m[2])
			}
		}
	}
	if found == 0 {
		t.Error("no snippet was found")
	}
}
