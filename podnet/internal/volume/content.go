package volume

import (
	"cmp"
	"math"
	"slices"
	"syscall"
)

// pageSize is how much of a file one allocation holds at most: enough to copy
// fast, little enough that growing a file never copies much.
const pageSize = 64 << 10

// content is what a regular file holds. A node's mutex guards it.
type content struct {
	size  int64
	pages []page // by index; one that is missing is a hole
}

// page holds the bytes from index*pageSize on. Its data may be shorter than a
// page: what is missing up to the file's size reads as zeros.
type page struct {
	index int64
	data  []byte
}

func (c *content) find(index int64) (int, bool) {
	return slices.BinarySearchFunc(c.pages, index, func(p page, index int64) int {
		return cmp.Compare(p.index, index)
	})
}

// readAt returns how much it read, which is less than len(p) only at the end
// of the file.
func (c *content) readAt(p []byte, off int64) int {
	p = p[:max(0, min(int64(len(p)), c.size-off))]
	for n := 0; n < len(p); {
		index, at := off/pageSize, int(off%pageSize)
		part := p[n:min(len(p), n+pageSize-at)]
		copied := 0
		if i, ok := c.find(index); ok && at < len(c.pages[i].data) {
			copied = copy(part, c.pages[i].data[at:])
		}
		clear(part[copied:])
		n += len(part)
		off += int64(len(part))
	}
	return len(p)
}

// writeAt writes what fits in the tree and beneath the greatest offset.
func (c *content) writeAt(t *Tree, p []byte, off int64) (n int, e syscall.Errno) {
	if room := math.MaxInt64 - off; int64(len(p)) > room {
		p, e = p[:room], syscall.EFBIG
	}
	for n < len(p) {
		index, at := off/pageSize, int(off%pageSize)
		part := p[n:min(len(p), n+pageSize-at)]
		i, found := c.find(index)
		held := 0
		if found {
			held = len(c.pages[i].data)
		}
		if grow := at + len(part) - held; grow > 0 {
			if got := t.reserve(grow); got < grow {
				e = syscall.ENOSPC
				if held+got <= at { // not even the hole in front fits
					t.release(got)
					return n, e
				}
				part = part[:held+got-at]
				p = p[:n+len(part)]
			}
		}
		if !found {
			c.pages = slices.Insert(c.pages, i, page{index: index})
		}
		c.pages[i].data = overwrite(c.pages[i].data, part, at)
		n += len(part)
		off += int64(len(part))
		c.size = max(c.size, off)
	}
	return n, e
}

// overwrite puts part into data at an offset, growing data as needed.
func overwrite(data, part []byte, at int) []byte {
	if hole := at - len(data); hole > 0 {
		data = append(data, make([]byte, hole)...)
	}
	n := copy(data[at:], part)
	return append(data, part[n:]...)
}

// truncate cuts the file or lets it end in a hole.
func (c *content) truncate(t *Tree, size int64) {
	c.size = size
	index, at := size/pageSize, int(size%pageSize)
	i, found := c.find(index)
	if found {
		if data := c.pages[i].data; at < len(data) {
			t.release(len(data) - at)
			c.pages[i].data = data[:at]
		}
		if at > 0 {
			i++
		}
	}
	for _, p := range c.pages[i:] {
		t.release(len(p.data))
	}
	c.pages = slices.Delete(c.pages, i, len(c.pages))
}
