package postgrestest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// family returns the server's processes: the first and its children, each of which
// has a process group of its own.
func (s *Server) family(t testing.TB) map[int]stat {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]stat{}
	for _, name := range all {
		b, err := os.ReadFile(name) //nolint:gosec // the kernel's
		if err != nil {
			continue // it ended
		}
		if p, ok := parseStat(string(b)); ok && (p.pid == s.cmd.Process.Pid || p.parent == s.cmd.Process.Pid) {
			out[p.pid] = p
		}
	}
	return out
}

// stat is what /proc says of a process.
type stat struct {
	pid, parent int
	spent       time.Duration // by it and by its children that ended
}

// parseStat reads /proc/PID/stat (proc(5)); the name in parentheses may hold spaces.
func parseStat(s string) (p stat, ok bool) {
	const ticks = 100 // in a second, on every Linux
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if open < 0 || end < open {
		return p, false
	}
	p.pid, _ = strconv.Atoi(strings.TrimSpace(s[:open])) // the kernel writes numbers
	f := strings.Fields(s[end+1:])
	if len(f) < 15 {
		return p, false
	}
	p.parent, _ = strconv.Atoi(f[1])
	for _, v := range f[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.Atoi(v)
		p.spent += time.Duration(n) * time.Second / ticks
	}
	return p, true
}

// alive says whether a process has not ended; one that nobody waited for yet has.
func alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

// Spent is how long all of its processes have worked.
func (s *Server) Spent(t testing.TB) time.Duration {
	t.Helper()
	var d time.Duration
	for _, p := range s.family(t) {
		d += p.spent
	}
	return d
}
