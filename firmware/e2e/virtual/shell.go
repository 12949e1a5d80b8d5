package virtual

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Shell is a root shell in a guest that has none to offer: the machine itself, as its
// firmware would, gives the guest's systemd one more unit (systemd.system-credentials(7),
// «systemd.extra-unit.*»). Nothing in the image is there for it.
type Shell struct {
	one sync.Mutex // command at a time
	n   int

	mu   sync.Mutex
	line *shellLine
	on   chan struct{} // closed when there is a shell
}

// shellLine is the serial port of a machine that is on.
type shellLine struct {
	io.Writer
	said chan string
	gone chan struct{} // closed when the machine is off
}

// NewShell makes a shell for the serial port to which Serve is attached.
func NewShell() *Shell { return &Shell{on: make(chan struct{})} }

// Arguments are QEMU's for a shell on that terminal of the guest.
func (*Shell) Arguments(tty string) []string {
	return append(
		credential("systemd.extra-unit.test-shell.service", `[Unit]
DefaultDependencies=no
After=systemd-udevd.service
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'stty -echo; echo ---ready; PS1= exec /bin/sh'
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=`+tty+`
Restart=always
RestartSec=1s
OOMScoreAdjust=-900
`),
		UnitDropIn("basic.target", "[Unit]\nWants=test-shell.service\n")...)
}

// UnitDropIn are QEMU's arguments for a guest whose systemd finds text beside a unit
// («systemd.unit-dropin.*»).
func UnitDropIn(unit, text string) []string { return credential("systemd.unit-dropin."+unit, text) }

func credential(name, text string) []string {
	return []string{"-smbios", "type=11,value=io.systemd.credential.binary:" + name + "=" + base64.StdEncoding.EncodeToString([]byte(text))}
}

// ready is what a shell says first.
const ready = "---ready"

// Serve is the far end of the shell's serial port, until the machine is off.
func (s *Shell) Serve(line io.ReadWriter) {
	l := &shellLine{line, make(chan string, 4096), make(chan struct{})}
	defer close(l.gone)
	defer s.Restarted()
	for in := bufio.NewReader(line); ; {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.Contains(text, ready) {
			s.mu.Lock()
			s.forget()
			s.line = l
			close(s.on)
			s.mu.Unlock()
			continue
		}
		l.said <- strings.TrimRight(escapes.ReplaceAllString(text, ""), "\r\n")
	}
}

// Restarted forgets the shell: the machine is off or starts anew, and there will be
// another one.
func (s *Shell) Restarted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

func (s *Shell) forget() {
	if s.line != nil {
		s.line, s.on = nil, make(chan struct{})
	}
}

// ErrStatus is wrapped by the error of a command that ended with another status
// than 0.
var ErrStatus = errors.New("the command failed")

// Run has the shell execute a command, and returns what that printed. It waits until
// there is a shell.
func (s *Shell) Run(ctx context.Context, command string) (string, error) {
	s.one.Lock()
	defer s.one.Unlock()
	s.mu.Lock()
	on := s.on
	s.mu.Unlock()
	select {
	case <-on:
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a shell: %w", context.Cause(ctx))
	}
	s.mu.Lock()
	l := s.line
	s.mu.Unlock()
	if l == nil {
		return "", errors.New("the machine is off")
	}
	s.n++
	begin, end := fmt.Sprintf("---begin-%d", s.n), fmt.Sprintf("---end-%d-", s.n)
	// What is typed before the command ends is not to be its input.
	if _, err := fmt.Fprintf(l, "echo; echo %s; { %s\n} </dev/null 2>&1; echo %s$?\n", begin, command, end); err != nil {
		return "", fmt.Errorf("type %q: %w", command, err)
	}
	var out strings.Builder
	for begun := false; ; {
		select {
		case said := <-l.said:
			before, status, ended := strings.Cut(said, end)
			switch {
			case said == begin:
				begun = true
			case !begun:
			case ended:
				out.WriteString(before)
				if status != "0" {
					return out.String(), fmt.Errorf("%q: %w: status %s: %s", command, ErrStatus, status, out.String())
				}
				return out.String(), nil
			default:
				out.WriteString(said + "\n")
			}
		case <-l.gone:
			return out.String(), fmt.Errorf("%q: the machine was switched off meanwhile", command)
		case <-ctx.Done():
			return out.String(), fmt.Errorf("%q: %w", command, context.Cause(ctx))
		}
	}
}
