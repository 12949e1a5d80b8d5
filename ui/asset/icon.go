package asset

import (
	"regexp"
	"sync"
)

var symbol = regexp.MustCompile(`<symbol id="([a-z-]+)"`)

// Icons returns the names in the sprite svg/icons.svg.
var Icons = sync.OnceValue(func() map[string]bool {
	b, err := FS.ReadFile("svg/icons.svg")
	if err != nil {
		panic("asset: embedded sprite: " + err.Error())
	}
	m := map[string]bool{}
	for _, s := range symbol.FindAllSubmatch(b, -1) {
		m[string(s[1])] = true
	}
	return m
})

// HasIcon reports whether the sprite holds an icon of that name.
func HasIcon(name string) bool { return Icons()[name] }
