package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/release"
)

// change is one thing that a version of settings says otherwise than the one before.
type change struct {
	Name string // in words, or as it is written where there are none
	Was  string // in words; "": it was not set
	Now  string // in words; "": it is not set any more
}

// inside are the objects of which each name counts for itself (wire.md, section 5b).
var inside = []string{"update", "sync", "power"}

// changes says how two versions of settings differ, by name; before may be nil.
func changes(b page.Base, before, after []byte) ([]change, error) {
	was, err := flat(before)
	if err != nil {
		return nil, err
	}
	now, err := flat(after)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(was)
	maps.Copy(all, now)
	var out []change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if bytes.Equal(was[name], now[name]) {
			continue
		}
		c := change{Name: name}
		if b.Texts.Has("settings.name." + name) {
			if c.Name, err = b.T("settings.name." + name); err != nil {
				return nil, err
			}
		}
		if c.Was, err = valueWords(b, name, was[name]); err != nil {
			return nil, err
		}
		if c.Now, err = valueWords(b, name, now[name]); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// flat returns settings by name: "update.quiet" and so on, each value in one encoding.
func flat(b []byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	if b == nil {
		return out, nil
	}
	top, err := names(b)
	if err != nil {
		return nil, fmt.Errorf("desk: read settings: %w", err)
	}
	for name, v := range top {
		if slices.Contains(inside, name) {
			if in, err := names(v); err == nil {
				for k, x := range in {
					out[name+"."+k] = x
				}
				continue
			}
		}
		out[name] = v
	}
	return out, nil
}

func names(b []byte) (map[string][]byte, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for k, v := range m {
		one, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out[k] = one
	}
	return out, nil
}

// hours is a part of the day in settings.
type hours struct{ From, To string }

// valueWords says a value in words, or as it is written where there are none; "" for
// none.
func valueWords(b page.Base, name string, v []byte) (string, error) {
	if v == nil {
		return "", nil
	}
	var text string
	isText := json.Unmarshal(v, &text) == nil
	switch last := name[strings.LastIndexByte(name, '.')+1:]; {
	case isText && name == "update.ring":
		if w := release.Say(b.Lang, "ring."+text).Says; w != "ring."+text {
			return w, nil
		}
	case isText && b.Texts.Has("settings.value."+name+"."+text):
		return b.T("settings.value." + name + "." + text)
	case last == "windows" || last == "quiet":
		var list []hours
		if json.Unmarshal(v, &list) != nil {
			break
		}
		if len(list) == 0 {
			return b.T("settings.value.always")
		}
		var out []string
		for _, h := range list {
			out = append(out, h.From+"–"+h.To)
		}
		return strings.Join(out, ", "), nil
	case name == "night":
		var h hours
		if json.Unmarshal(v, &h) == nil && h.From != "" && h.To != "" {
			return h.From + "–" + h.To, nil
		}
	case last == "bytes_per_day":
		var n int64
		switch {
		case json.Unmarshal(v, &n) != nil:
		case n == 0:
			return b.T("settings.value.unlimited")
		case n >= 1_000_000:
			return fmt.Sprintf("%g MB", float64(n/100_000)/10), nil
		case n >= 10_000:
			return fmt.Sprintf("%d kB", n/1000), nil
		}
	case last == "every_h":
		var n int
		if json.Unmarshal(v, &n) == nil {
			return b.N("span.hours", n)
		}
	}
	if isText && name == "phone" {
		return text, nil
	}
	if isText {
		return "«" + text + "»", nil
	}
	return string(v), nil
}
