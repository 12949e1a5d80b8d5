// Command guest is the first program of a virtual machine in which the tests of
// drivers meet the kernel's own devices (package cabinet). At its end it hangs, and
// the watchdog must reset the machine.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/watchdog"
	"github.com/penjire/penjire/firmware/e2e/virtual/inside"
)

func main() { inside.Main(tooLong, run) }

// tooLong is far more than everything takes.
const tooLong = 8 * time.Minute

func run() error {
	if err := inside.Prepare(map[string]string{"vivid": "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0"}); err != nil {
		return err
	}
	err := errors.Join(
		tests("gpioline", "PENJIRE_GPIO_SIM=require"),
		tests("rtcdev", "PENJIRE_RTC=require"),
		tests("watchdog", "PENJIRE_WATCHDOG="+dog),
		tests("v4l2", "PENJIRE_VIVID=require"),
	)
	if err != nil {
		return err
	}
	return bite()
}

const dog = "/dev/watchdog"

// tests runs the tests of a package that want the kernel's devices, and says of each
// that it passed. One that is left out is not said, and missed by the machine's owner.
func tests(name, env string) error {
	cmd := exec.Command("/tests/"+name, "-test.v", "-test.run=^TestKernel", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(io.TeeReader(out, os.Stdout)); lines.Scan(); {
		if passed, ok := strings.CutPrefix(lines.Text(), "--- PASS: "); ok {
			test, took, _ := strings.Cut(passed, " ")
			inside.Say("OK %s %s: %s", name, test, strings.Trim(took, "()"))
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("tests of %s: %w", name, err)
	}
	return nil
}

// bite kicks the watchdog for longer than it waits, and then does not.
func bite() error {
	const waits = 4 * time.Second
	d, err := watchdog.New(dog, watchdog.Opts{Timeout: waits})
	if err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < 2*waits; time.Sleep(waits / 4) {
		if err := d.Kick(); err != nil {
			return err
		}
	}
	inside.Say("OK watchdog keeps quiet while it is kicked")
	inside.Say("OK watchdog is left alone")
	time.Sleep(10 * waits) // it hangs
	return fmt.Errorf("the machine is still there %v after the watchdog was last kicked, which waits %v", 10*waits, waits)
}
