package outbox_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func childCommand(what, dir string, seed uint64, steps int) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, "PENJIRE_OUTBOX_DIR="+dir,
		fmt.Sprintf("PENJIRE_OUTBOX_SEED=%d", seed), fmt.Sprintf("PENJIRE_OUTBOX_STEPS=%d", steps))
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKilledAtRandom kills the working process with SIGKILL after a random
// number of acknowledgements, many times over one outbox. What a kill at each
// single write leaves is TestCrashStates' first kind of state.
func TestKilledAtRandom(t *testing.T) {
	rounds := kills(t, 60)
	n := seed(t)
	r := rand.New(rand.NewPCG(n, 1))
	dir := t.TempDir()
	all, err := readAcks(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		cmd := childCommand("work", dir, r.Uint64(), 1_000_000)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		left := 1 + r.IntN(40)
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if err := all.add(sc.Text()); err != nil {
				t.Fatal(err)
			}
			if left--; left == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || left > 0 {
			t.Fatalf("round %d: the child ended by itself (%v), %d acknowledgements early", round, err, left)
		}
		if err := all.compare(dir); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d kills, %d requests accepted", rounds, len(all.drafts))
}
