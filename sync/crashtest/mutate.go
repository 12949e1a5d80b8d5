//go:build linux && amd64

package crashtest

import "slices"

// Mutants are changed traces: what a program with one fault would have done. If
// no state of a mutant is found wrong, the judge sees nothing.

// Without leaves out the changes that drop says, counted from 0: a flush that was
// forgotten.
func Without(changes []Change, drop func(n int, c Change) bool) []Change {
	var out []Change
	for i, c := range changes {
		if !drop(i, c) {
			out = append(out, c)
		}
	}
	return out
}

// Earlier moves each acknowledgement before the last change that is of says: what
// was said before it was so.
func Earlier(changes []Change, of func(Change) bool) []Change {
	out := slices.Clone(changes)
	for i, c := range out {
		if c.Kind != 'a' {
			continue
		}
		for j := i - 1; j >= 0; j-- {
			if of(out[j]) {
				copy(out[j+1:i+1], out[j:i])
				out[j] = c
				break
			}
		}
	}
	return out
}

// RenamedFirst moves each rename, and the flush of its folder, before the first
// flush of the file that it moves: the order in which a power cut leaves an
// unfinished file under the good name.
func RenamedFirst(changes []Change) []Change {
	out := slices.Clone(changes)
	inodes := map[string]int{}
	for i, c := range out {
		if c.Kind == 'c' {
			inodes[c.Name] = c.Inode
		}
		if c.Kind != 'r' || i+1 >= len(out) {
			continue
		}
		last := i
		if out[i+1].Kind == 'd' {
			last = i + 1
		}
		if j := slices.IndexFunc(out[:i], func(f Change) bool { return f.Kind == 's' && f.Inode == inodes[c.From] }); j >= 0 {
			copy(out[j:], slices.Concat(out[i:last+1], out[j:i]))
		}
	}
	return out
}
