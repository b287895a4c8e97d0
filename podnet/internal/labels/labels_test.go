package labels_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet/internal/labels"
)

func TestSelectors(t *testing.T) {
	web := map[string]string{"app": "web", "tier": "front"}
	for name, tt := range map[string]struct {
		selector labels.Selector
		want     bool
	}{
		"nothing selects everything":    {nil, true},
		"labels that are there":         {labels.FromMap(web), true},
		"one label of two":              {labels.FromMap(map[string]string{"app": "web"}), true},
		"another value":                 {labels.FromMap(map[string]string{"app": "db"}), false},
		"a label that is not there":     {labels.FromMap(map[string]string{"zone": ""}), false},
		"In":                            {labels.Selector{{"app", labels.In, []string{"db", "web"}}}, true},
		"In without the value":          {labels.Selector{{"app", labels.In, []string{"db"}}}, false},
		"NotIn":                         {labels.Selector{{"app", labels.NotIn, []string{"db"}}}, true},
		"NotIn with the value":          {labels.Selector{{"app", labels.NotIn, []string{"web"}}}, false},
		"NotIn of a key that is absent": {labels.Selector{{"zone", labels.NotIn, []string{"web"}}}, true},
		"Exists":                        {labels.Selector{{"app", labels.Exists, nil}}, true},
		"Exists of an absent key":       {labels.Selector{{"zone", labels.Exists, nil}}, false},
		"DoesNotExist":                  {labels.Selector{{"zone", labels.DoesNotExist, nil}}, true},
		"DoesNotExist of a key":         {labels.Selector{{"app", labels.DoesNotExist, nil}}, false},
		"all must be met":               {labels.Selector{{"app", labels.Exists, nil}, {"tier", labels.In, []string{"back"}}}, false},
		"an unknown operator":           {labels.Selector{{"app", "Like", nil}}, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, tt.selector.Matches(web)) })
	}
}
