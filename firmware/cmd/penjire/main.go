// Command penjire is the technician's and everyone's tool: it checks
// e-documents and printed seals offline, and says how a kiosk is.
//
//	penjire verify [--trust FOLDER|FILE] [--roots FILE] [--json] FILE|FOLDER|-|SEAL …
//	penjire status [--settings FILE] [--socket PATH] [--json]
//
// verify takes containers (*.asice), a folder of them, a container on standard
// input, or the text of a printed seal, as an address or as the letters alone.
// --trust names a signed trust bundle, or a folder with trust.cbor and roots.pem
// in it; without it the kiosk's own is used, if this is a kiosk. It answers three
// questions for each: is it whole, was the signer entitled, what is known of
// revocation.
//
// Exit statuses of verify: 0 valid, 1 not valid, 2 cannot tell, 3 wrong use; of
// several things the worst. Exit statuses of status: 0 well, 1 something does
// not work, 2 no kiosk answers, 3 wrong use.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// The exit statuses.
const (
	good  = 0
	bad   = 1
	blind = 2
	usage = 3
)

const help = `usage: penjire verify [--trust FOLDER|FILE] [--roots FILE] [--json] FILE|FOLDER|-|SEAL ...
       penjire status [--settings FILE] [--socket PATH] [--json]
`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, help)
		return usage
	}
	switch args[0] {
	case "verify":
		return verify(args[1:], stdin, stdout, stderr)
	case "status":
		return status(context.Background(), args[1:], stdout, stderr)
	case "help", "-h", "--help":
		_, _ = fmt.Fprint(stdout, help)
		return good
	}
	_, _ = fmt.Fprintf(stderr, "penjire: there is no command %q\n%s", args[0], help)
	return usage
}
