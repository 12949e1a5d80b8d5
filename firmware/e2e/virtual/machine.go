package virtual

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// patience is how long a machine may take that emulates every instruction on a
// busy computer.
const patience = 15 * time.Minute

// Report is what a machine said.
type Report struct {
	Well  []string // what it found well, in its words
	Said  []byte   // all of it
	Ended bool     // it came to the end of its program
}

// Run runs a machine until its program (see package inside) ends, or it stops by
// itself, and has do carry out what the program wants of whoever owns the machine.
// The error is of the first thing that went wrong in there, or here.
func (k *Kernel) Run(initrd string, do func(what string) error, devices ...string) (r Report, err error) {
	cmd := exec.Command("qemu-system-x86_64", append([]string{
		"-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "Nehalem,+rdrand", "-m", "512", "-smp", "1",
		"-kernel", k.Image, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
		"-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
	}, devices...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // it dies with the thread that starts it
	defer runtime.UnlockOSThread()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	var all bytes.Buffer
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return r, err
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	first := func(e error) {
		if err == nil {
			err = e
		}
	}
	for lines := bufio.NewScanner(out); !r.Ended && lines.Scan(); {
		_, _ = fmt.Fprintf(&all, "%s\n", lines.Bytes())
		_, said, ok := strings.Cut(lines.Text(), "penjire: ")
		if !ok {
			continue
		}
		switch what, rest, _ := strings.Cut(said, " "); what {
		case "OK":
			r.Well = append(r.Well, rest)
		case "WANT":
			if derr := do(rest); derr != nil {
				first(derr)
			}
		case "FAULT":
			first(fmt.Errorf("the guest: %s", rest))
		case "END":
			r.Ended = true
		}
	}
	if !late.Stop() {
		first(fmt.Errorf("the machine did not come to its end within %v", patience))
	}
	_ = cmd.Process.Kill() // it has nothing more to do
	_ = cmd.Wait()
	r.Said = all.Bytes()
	return r, err
}

// Missing returns those of steps that the machine did not find well: it says a step,
// or a step and what it saw.
func (r Report) Missing(steps []string) (missing []string) {
	for _, s := range steps {
		found := false
		for _, w := range r.Well {
			found = found || w == s || strings.HasPrefix(w, s+":")
		}
		if !found {
			missing = append(missing, s)
		}
	}
	return missing
}
