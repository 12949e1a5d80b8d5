package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// version is the protocol's.
const version = 1

const (
	maxFrame  = 1 << 20
	maxSecret = 256
)

// Request is described at the command.
type Request struct {
	V         int    `json:"v"`
	ID        uint64 `json:"id"`
	Op        string `json:"op"`
	Label     string `json:"label"`
	Serial    string `json:"serial"`
	Key       []byte `json:"key"`
	Mechanism string `json:"mechanism"`
	Hash      string `json:"hash"`
	Data      []byte `json:"data"`
	Secret    int    `json:"secret"`

	pin []byte
}

// Answer is described at the command.
type Answer struct {
	V        int     `json:"v"`
	ID       uint64  `json:"id"`
	Error    *Fault  `json:"error,omitempty"`
	Tokens   []Token `json:"tokens,omitempty"`
	Certs    []Cert  `json:"certs,omitempty"`
	Data     []byte  `json:"data,omitempty"`
	Point    []byte  `json:"point,omitempty"`
	Modulus  []byte  `json:"modulus,omitempty"`
	Exponent []byte  `json:"exponent,omitempty"`
}

// Fault is why a request was not carried out.
type Fault struct {
	Code  string `json:"code"`
	RV    uint   `json:"rv,omitempty"`
	Text  string `json:"text"`
	Tries int    `json:"tries"`
}

// Error implements error.
func (f *Fault) Error() string { return f.Text }

// Token is a token in a reader.
type Token struct {
	Label        string `json:"label"`
	Serial       string `json:"serial"`
	Model        string `json:"model"`
	Manufacturer string `json:"manufacturer"`
	Pinpad       bool   `json:"pinpad"` // the PIN is entered at the reader
	Tries        int    `json:"tries"`
}

// Cert is a certificate in a token.
type Cert struct {
	ID    []byte `json:"id"`
	Label string `json:"label"`
	DER   []byte `json:"der"`
}

// serve answers requests until in ends. Only one thing is done at a time, and
// the reading goes on meanwhile: a parent that went away is noticed also while
// the library hangs.
func serve(in io.Reader, out io.Writer, path string) {
	requests := make(chan Request)
	go func() {
		r := bufio.NewReaderSize(in, 4096)
		for {
			q, err := read(r)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					fmt.Fprintln(os.Stderr, "penjire-pkcs11:", err)
				}
				os.Exit(0)
			}
			requests <- q
		}
	}()
	l := open(path)
	for q := range requests {
		a := Answer{V: version, ID: q.ID}
		if err := l.do(q, &a); err != nil {
			a = Answer{V: version, ID: q.ID, Error: explain(err)}
		}
		clear(q.pin)
		if err := write(out, a); err != nil {
			fmt.Fprintln(os.Stderr, "penjire-pkcs11:", err)
			os.Exit(1)
		}
		clear(a.Data)
	}
}

func read(r io.Reader) (q Request, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return q, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return q, fmt.Errorf("a request of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return q, err
	}
	if err := json.Unmarshal(b, &q); err != nil {
		return q, fmt.Errorf("a request that is no JSON: %w", err)
	}
	if q.Secret < 0 || q.Secret > maxSecret {
		return q, fmt.Errorf("a secret of %d bytes", q.Secret)
	}
	q.pin = make([]byte, q.Secret)
	_, err = io.ReadFull(r, q.pin)
	return q, err
}

func write(w io.Writer, a Answer) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
