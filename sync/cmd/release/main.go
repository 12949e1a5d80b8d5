// Command release is the tool of whoever builds the kiosks' software: it makes the
// keys that releases are signed with, says which are revoked, and describes and signs
// a bundle (sync/spec/release.md). It runs where the keys are, which needs no network;
// the root's key belongs where there is none.
//
//	release root -name NAME -out FOLDER                       root.pem, root.key
//	release key -root FOLDER -name NAME [-days N] -out FOLDER release.pem, release.key
//	release list -root FOLDER -roots FILE [-after FILE] [-revoke CERTIFICATE …] -out FILE
//	release sign -cert FILE -key FILE [-lists FILE] -board NAME -version V -build N|TIME
//	        [-formats MIN-MAX] [-room BYTES] [-ring lab|pilot|broad] [-by TIME] [-out FILE] BUNDLE
//	release show [-roots FILE] FILE
//
// The certificate of a release key signs bundles for RAUC as well: rauc bundle --cert
// release.pem --key release.key. list writes all lists so far and the new one; each
// revocation stays. roots.pem names who signs the next list, all of them. sign writes
// the description beside the bundle, as *.release. A build is a number, or the time of
// the sources, as the image says it: a kiosk's build is that time in Unix seconds.
//
// Exit status: 0 done, 1 failed, 2 wrong use.
package main

import (
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
)

const help = `usage: release root -name NAME -out FOLDER
       release key -root FOLDER -name NAME [-days N] -out FOLDER
       release list -root FOLDER -roots FILE [-after FILE] [-revoke CERTIFICATE ...] -out FILE
       release sign -cert FILE -key FILE [-lists FILE] -board NAME -version V -build N|TIME
               [-formats MIN-MAX] [-room BYTES] [-ring lab|pilot|broad] [-by TIME] [-out FILE] BUNDLE
       release show [-roots FILE] FILE
`

func main() { os.Exit(run(os.Args[1:], time.Now(), os.Stdout, os.Stderr)) }

func run(args []string, now time.Time, stdout, stderr io.Writer) int {
	return command.Run("release", help, map[string]command.Func{
		"root": makeRoot, "key": makeKey, "list": makeList, "sign": signBundle, "show": show,
	}, args, now, stdout, stderr)
}
