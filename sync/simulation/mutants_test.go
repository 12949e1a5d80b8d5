package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutant is a fault put into the product's code: old becomes new in file.
type mutant struct {
	name string
	file string // below sync/
	swap []string
	with string // faults that every seed has
}

// most are the seeds within which a mutant must be caught.
const most = 400

var caught = regexp.MustCompile(`seed (\d+): INVARIANT (\w+) is broken: (.*)`)

// TestMutantsAreThere looks whether the text that each mutant replaces is still in
// the code, once.
func TestMutantsAreThere(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.code(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// code returns the file with the fault in it.
func (m *mutant) code() (string, error) {
	b, err := os.ReadFile(m.path())
	if err != nil {
		return "", err
	}
	code := string(b)
	for i := 0; i < len(m.swap); i += 2 {
		if n := strings.Count(code, m.swap[i]); n != 1 {
			return "", fmt.Errorf("%s has %d times: %s", m.file, n, m.swap[i])
		}
		code = strings.Replace(code, m.swap[i], m.swap[i+1], 1)
	}
	return code, nil
}

func (m *mutant) path() string {
	p, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(m.file)))
	if err != nil {
		return m.file
	}
	return p
}

// chosen are the mutants to play: PENJIRE_MUTANTS is all, or parts of names between
// bars; a few without it.
func chosen() []mutant {
	switch want := os.Getenv("PENJIRE_MUTANTS"); want {
	case "":
		return []mutant{mutants[0], mutants[len(mutants)-1]}
	case "all":
		return mutants
	default:
		return slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool {
			return !slices.ContainsFunc(strings.Split(want, "|"), func(part string) bool { return strings.Contains(m.name, part) })
		})
	}
}

// TestMutants has each mutant caught.
func TestMutants(t *testing.T) {
	if *quiet {
		t.Skip("this is a mutant")
	}
	var table []string
	for _, m := range chosen() {
		t.Run(m.name, func(t *testing.T) {
			by, seed, err := m.caught(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("caught by %s, seed %s", by, seed)
			table = append(table, fmt.Sprintf("%-52s %-28s %s", m.name, by, seed))
		})
	}
	t.Logf("\n%-52s %-28s %s\n%s", "mutant", "caught by", "seed", strings.Join(table, "\n"))
}

// caught builds the mutant, plays seeds and returns which invariant caught it.
func (m *mutant) caught(dir string) (by, seed string, err error) {
	code, err := m.code()
	if err != nil {
		return "", "", err
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(code), 0o600); err != nil {
		return "", "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {m.path(): changed}})
	if err != nil {
		return "", "", err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", "", err
	}
	bin := filepath.Join(dir, "mutant.test")
	if out, err := exec.Command("go", "test", "-c", "-overlay", list, "-o", bin, ".").CombinedOutput(); err != nil { //nolint:gosec // our own
		return "", "", fmt.Errorf("build: %w\n%s", err, out)
	}
	out, err := exec.Command(bin, "-test.run", "^TestSeeds$", "-quiet", "-with", m.with, "-seeds", strconv.Itoa(most)).CombinedOutput() //nolint:gosec // our own
	found := caught.FindStringSubmatch(string(out))
	if err == nil || found == nil {
		return "", "", fmt.Errorf("not caught in %d seeds: %w\n%s", most, err, tail(string(out)))
	}
	return found[2], found[1], nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
