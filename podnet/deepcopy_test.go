package podnet

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

// fill sets everything in v to something: texts and numbers as told, lists and
// maps with one entry, functions to one that does nothing.
func fill(v reflect.Value, text string, number int64) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, number)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, number)
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, text, number)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), e)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, number)
		}
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { return make([]reflect.Value, v.Type().NumOut()) }))
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(number))
	default:
		v.SetInt(number)
	}
}

// spoil changes, in place, all that v refers to.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		spoil(v.Elem())
		v.Elem().SetZero()
	case reflect.Slice:
		spoil(v.Index(0))
		v.Index(0).SetZero()
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if k := it.Value().Kind(); k == reflect.Slice || k == reflect.Pointer {
				spoil(it.Value())
			}
		}
		v.Clear()
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i))
		}
	}
}

func filled[T any]() (v T) {
	fill(reflect.ValueOf(&v).Elem(), "7", 7) // which is a quantity, too
	return v
}

func TestACopyOfASpecSharesNothing(t *testing.T) {
	check := func(t *testing.T, spec, copied, want any) {
		assert.True(t, deepEqual(want, reflect.ValueOf(copied).Elem().Interface()))
		spoil(reflect.ValueOf(spec).Elem())
		assert.True(t, deepEqual(want, reflect.ValueOf(copied).Elem().Interface()), "changed with the original")
		assert.False(t, deepEqual(want, reflect.ValueOf(spec).Elem().Interface()), "the original was not changed")
	}
	t.Run("Pod", func(t *testing.T) {
		s := filled[PodSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[PodSpec]())
	})
	t.Run("ConfigMap", func(t *testing.T) {
		s := filled[ConfigMapSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[ConfigMapSpec]())
	})
	t.Run("Secret", func(t *testing.T) {
		s := filled[SecretSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[SecretSpec]())
	})
	t.Run("NetworkChaos", func(t *testing.T) {
		s := filled[NetworkChaosSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[NetworkChaosSpec]())
	})
	t.Run("PodChaos", func(t *testing.T) {
		s := filled[PodChaosSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[PodChaosSpec]())
	})
	t.Run("Schedule", func(t *testing.T) {
		s := filled[ScheduleSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[ScheduleSpec]())
	})
	t.Run("DNSChaos", func(t *testing.T) {
		s := filled[DNSChaosSpec]()
		c := deepCopy(s)
		check(t, &s, &c, filled[DNSChaosSpec]())
	})
}

// Every single field of a spec counts when two are compared.
func TestSpecsAreComparedWhole(t *testing.T) {
	var visit func(path string, root *PodSpec, v reflect.Value)
	fields := 0
	visit = func(path string, root *PodSpec, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			visit(path, root, v.Elem())
		case reflect.Slice:
			visit(path+"[0]", root, v.Index(0))
		case reflect.Struct:
			for i := range v.NumField() {
				visit(path+"."+v.Type().Field(i).Name, root, v.Field(i))
			}
			return
		}
		fields++
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.SetZero()
		assert.False(t, deepEqual(filled[PodSpec](), *root), "without %s", path)
		assert.False(t, deepEqual(*root, filled[PodSpec]()), "without %s, the other way", path)
		v.Set(old)
	}
	s := filled[PodSpec]()
	visit("spec", &s, reflect.ValueOf(&s).Elem())
	assert.Greater(t, fields, 200)
	assert.True(t, deepEqual(filled[PodSpec](), s))
}

func TestWhatMeansTheSameIsEqual(t *testing.T) {
	a := PodSpec{Labels: map[string]string{}, Containers: []ContainerSpec{{Command: []string{}}}}
	b := PodSpec{Containers: []ContainerSpec{{}}}
	assert.True(t, deepEqual(a, b))
	assert.True(t, deepEqual(b, a))
	assert.False(t, deepEqual(a, ConfigMapSpec{}))
	a.Containers[0].Resources.Limits, b.Containers[0].Resources.Limits = ResourceList{"cpu": "500m"}, ResourceList{"cpu": "0.5"}
	assert.True(t, deepEqual(a, b))
	a.Labels["a"], b.Labels = "1", map[string]string{"b": "1"}
	assert.False(t, deepEqual(a, b))
}
