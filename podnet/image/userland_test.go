package image_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whoever is first in a container finds all files of its image, and whole.
func TestProcessesThatStartTogetherSeeTheWholeImage(t *testing.T) {
	for range 20 {
		c := idle(t, "nginx")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r, err := c.Exec(t.Context(), "sh", "-c", "cat /etc/passwd /etc/group /etc/nginx/nginx.conf /etc/nginx/conf.d/default.conf | wc -l")
				if assert.NoError(t, err) {
					assert.Equal(t, "37\n", r.Stdout)
				}
			})
		}
		wg.Wait()
	}
}
