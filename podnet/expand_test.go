package podnet

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExpand(t *testing.T) {
	known := variables{"A=one", "B=two", "EMPTY=", "ODD-name=3"}
	for text, want := range map[string]string{
		"": "", "plain": "plain", "$(A)": "one", "$(A)$(B)": "onetwo", "x $(A) y": "x one y", "$(EMPTY)": "", "$(ODD-name)": "3",
		"$(NOBODY)": "$(NOBODY)", "$$(A)": "$(A)", "$$$(A)": "$one", "$$$$(A)": "$$(A)", "$A": "$A", "$": "$", "$$": "$", "a$": "a$",
		"$(A": "$(A", "$(": "$(", "$()": "$()", "$($(A))": "$($(A))", "100$": "100$", "$(A)(B)": "one(B)",
	} {
		assert.Equal(t, want, expand(text, known.lookup), text)
	}
}

func TestEnvironmentHasEachNameOnce(t *testing.T) {
	e := variables{"A=1", "AB=2"}
	assert.Equal(t, variables{"A=3", "AB=2", "B=4"}, e.set("A", "3").set("B", "4"))
}

func FuzzExpand(f *testing.F) {
	f.Add("$(A) $$ $(NOBODY) $(")
	f.Fuzz(func(t *testing.T, text string) {
		none := func(string) (string, bool) { return "", false }
		if once := expand(text, none); len(once) > len(text) {
			t.Errorf("%q became the longer %q", text, once)
		}
	})
}

func TestAProbesCommandKnowsWhatIsWritten(t *testing.T) {
	c := &container{spec: ContainerSpec{Env: []EnvVar{{Name: "A", Value: "one"}, {Name: "B", Value: "$(A)"}, {Name: "C", ValueFrom: &EnvVarSource{}}, {Name: "A", Value: "two"}}}}
	assert.Equal(t, []string{"two", "$(A)", "", "$(KUBERNETES_PORT)", "$(A)"}, c.expandStatic([]string{"$(A)", "$(B)", "$(C)", "$(KUBERNETES_PORT)", "$$(A)"}))
	assert.Empty(t, c.expandStatic(nil))
}

func TestSubPathExprNeedsItsVariables(t *testing.T) {
	known := environment{own: variables{"A=one", "B=two", "EMPTY="}}
	for expr, want := range map[string]string{"logs/$(A)": "logs/one", "$(A)-$(B)": "one-two", "$$(A)": "$(A)", "plain": "plain"} {
		got, err := expandSubPath(expr, known)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := expandSubPath("$(X)/$(A)/$(EMPTY)/$(X)", known)
	assert.EqualError(t, err, "missing value for EMPTY, X")
}
