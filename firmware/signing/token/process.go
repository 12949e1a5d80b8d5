package token

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// version is the protocol's; the frames are as the helper describes them.
const version = 1

const maxFrame = 1 << 20

type request struct {
	V         int    `json:"v"`
	ID        uint64 `json:"id"`
	Op        string `json:"op"`
	Label     string `json:"label,omitempty"`
	Serial    string `json:"serial,omitempty"`
	Key       []byte `json:"key,omitempty"`
	Mechanism string `json:"mechanism,omitempty"`
	Hash      string `json:"hash,omitempty"`
	Data      []byte `json:"data,omitempty"`
	Secret    int    `json:"secret,omitempty"`
}

type answer struct {
	V        int     `json:"v"`
	ID       uint64  `json:"id"`
	Error    *fault  `json:"error"`
	Tokens   []Token `json:"tokens"`
	Certs    []Cert  `json:"certs"`
	Data     []byte  `json:"data"`
	Point    []byte  `json:"point"`
	Modulus  []byte  `json:"modulus"`
	Exponent []byte  `json:"exponent"`
}

type fault struct {
	Code  string `json:"code"`
	RV    uint   `json:"rv"`
	Text  string `json:"text"`
	Tries int    `json:"tries"`
}

// sentinel is the fault as an error of this package.
func (f *fault) sentinel() error {
	var err error
	switch f.Code {
	case "pin.wrong":
		return &PINError{Left: f.Tries}
	case "pin.locked":
		return &PINError{Blocked: true}
	case "module":
		err = ErrModule
	case "token.gone":
		err = ErrGone
	case "key.none":
		err = ErrNoKey
	case "login.needed":
		err = ErrLogin
	case "unsupported":
		err = ErrUnsupported
	default:
		return fmt.Errorf("the token refuses: %s", f.Text)
	}
	return fmt.Errorf("%w: %s", err, f.Text)
}

// process is a running helper. One exchange goes on at a time.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan answer
	done    chan struct{} // closed when the process ended or talks nonsense; why is set then
	why     error
}

// start runs the helper. It inherits the environment, where libraries look for
// their own settings, and nothing else; what the library prints goes nowhere.
func start(c Config) (*process, error) {
	cmd := exec.Command(c.Helper, c.Module)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what a library starts ends with it
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoHelper, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoHelper, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoHelper, err)
	}
	p := &process{cmd: cmd, in: in, answers: make(chan answer), done: make(chan struct{})}
	go p.read(out)
	return p, nil
}

// read takes answers until there are no more, then sees the process off.
func (p *process) read(out io.Reader) {
	for {
		a, err := receive(out)
		if err != nil {
			p.signal()
			switch werr := p.cmd.Wait(); {
			case errors.Is(err, ErrNonsense):
				p.why = err
			case werr != nil:
				p.why = fmt.Errorf("%w: %w", ErrCrashed, werr)
			default:
				p.why = ErrCrashed
			}
			close(p.done)
			return
		}
		select {
		case p.answers <- a:
		case <-p.done:
		}
	}
}

func receive(r io.Reader) (a answer, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return a, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return a, fmt.Errorf("%w: it has %d bytes", ErrNonsense, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%w: %w", ErrNonsense, err)
	}
	clear(b)
	return a, nil
}

// exchange sends q, and the secret after it, and waits for its answer.
func (p *process) exchange(ctx context.Context, q request, secret []byte) (answer, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	frame := make([]byte, 0, 4+len(b)+len(secret))
	frame = append(binary.BigEndian.AppendUint32(frame, uint32(len(b))), b...)
	frame = append(frame, secret...)
	defer clear(frame)
	// Whoever hangs is killed, and then nothing waits for it any more.
	stop := context.AfterFunc(ctx, p.signal)
	defer stop()
	if _, err := p.in.Write(frame); err != nil {
		<-p.done
		return answer{}, p.why
	}
	select {
	case a := <-p.answers:
		if a.V != q.V || a.ID != q.ID {
			return answer{}, fmt.Errorf("%w: it is of another request", ErrNonsense)
		}
		return a, nil
	case <-p.done:
		return answer{}, p.why
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process. It does not wait: hardware may hold it a while.
func (p *process) kill() {
	p.signal()
	_ = p.in.Close() // it is gone
}

// signal kills the process and what it started, unless it was seen off.
func (p *process) signal() {
	if !p.ended() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}
