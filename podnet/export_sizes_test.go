package podnet

import (
	"reflect"
	"strings"
)

// Sizes returns how much is in all maps and slices that a cluster has, by the type
// and field that they are in, without those of gVisor and what traces have seen,
// which they forget by their own measure. It must be called after synctest.Wait.
func (c *Cluster) Sizes() map[string]int {
	s := sizes{found: make(map[string]int), seen: make(map[uintptr]bool)}
	s.walk("", reflect.ValueOf(c))
	return s.found
}

type sizes struct {
	found map[string]int
	seen  map[uintptr]bool
}

func (s sizes) walk(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || s.seen[v.Pointer()] || !strings.HasPrefix(v.Type().Elem().PkgPath(), "podnet.dev/") {
			return
		}
		s.seen[v.Pointer()] = true
		s.walk(path, v.Elem())
	case reflect.Interface:
		s.walk(path, v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[connections]() {
			return
		}
		for i := range v.NumField() {
			s.walk(v.Type().String()+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Map:
		s.found[path] += v.Len()
		for _, key := range v.MapKeys() {
			s.walk(path+"[]", key)
			s.walk(path+"[]", v.MapIndex(key))
		}
	case reflect.Slice:
		s.found[path] += v.Len()
		for i := range v.Len() {
			s.walk(path+"[]", v.Index(i))
		}
	}
}
