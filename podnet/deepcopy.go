package podnet

import "reflect"

// deepCopy returns a copy of a spec that shares nothing with it which could be
// changed later. Functions are the same: Go cannot copy them.
func deepCopy[T any](v T) T {
	unshare(reflect.ValueOf(&v).Elem())
	return v
}

// unshare replaces what a value refers to by a copy. All fields of specs are
// exported, so all can be set.
func unshare(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(v.Elem())
		unshare(p.Elem())
		v.Set(p)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		s := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(s, v)
		if v.Type().Elem().Kind() != reflect.Uint8 { // a Secret's data may be long
			for i := range s.Len() {
				unshare(s.Index(i))
			}
		}
		v.Set(s)
	case reflect.Map:
		if v.IsNil() {
			return
		}
		m := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(it.Value())
			unshare(e)
			m.SetMapIndex(it.Key(), e)
		}
		v.Set(m)
	case reflect.Struct:
		for i := range v.NumField() {
			unshare(v.Field(i))
		}
	}
}

// deepEqual reports whether two specs say the same. As in Kubernetes, an empty
// list or map is the same as none, and quantities are compared by amount. Of
// functions it can only see whether there is one: Go compares none.
func deepEqual(a, b any) bool {
	v, w := reflect.ValueOf(a), reflect.ValueOf(b)
	return v.Type() == w.Type() && equalValues(v, w)
}

func equalValues(v, w reflect.Value) bool {
	if v.Type() == reflect.TypeFor[Quantity]() {
		return Quantity(v.String()).cmp(Quantity(w.String())) == 0
	}
	switch v.Kind() {
	case reflect.Func:
		return v.IsNil() == w.IsNil()
	case reflect.Pointer:
		if v.IsNil() || w.IsNil() {
			return v.IsNil() && w.IsNil()
		}
		return equalValues(v.Elem(), w.Elem())
	case reflect.Slice:
		if v.Len() != w.Len() {
			return false
		}
		for i := range v.Len() {
			if !equalValues(v.Index(i), w.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if v.Len() != w.Len() {
			return false
		}
		for it := v.MapRange(); it.Next(); {
			other := w.MapIndex(it.Key())
			if !other.IsValid() || !equalValues(it.Value(), other) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range v.NumField() {
			if !equalValues(v.Field(i), w.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.Equal(w)
}
