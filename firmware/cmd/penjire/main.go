// Command penjire is the technician's and everyone's tool: it checks
// e-documents and printed seals offline, and says how a kiosk is.
//
//	penjire verify [--trust FOLDER|FILE] [--roots FILE] [--catalogue FILE] [--revoked FILE] [--at TIME] [--lang tk|ru|en] [--show] [--code CODE] [--json] FILE|FOLDER|-|SEAL …
//	penjire copy [--trust FOLDER|FILE] [--roots FILE] [--catalogue FILE] [--revoked FILE] [--portal URL] [--code CODE] [--seal SEAL] [-o FILE] FILE
//	penjire trust show [--roots FILE] [--lang tk|ru|en] [--json] [FILE|FOLDER]
//	penjire status [--settings FILE] [--socket PATH] [--json]
//	penjire export|import [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--any-folder] [--json] FOLDER
//	penjire journal prove [--settings FILE] [--socket PATH] [--out FILE] CODE|SEAL|INDEX
//	penjire journal check [--trust FOLDER|FILE] [--roots FILE] [--receipt SEAL] [--proof FILE] [--json] [PROOF|-|OUTBOX.DB]
//	penjire journal ls [--json] OUTBOX.DB
//	penjire queue ls|show|receipt|check|salvage|backup|restore|mirror|dismiss [--settings FILE] [--json] …
//	penjire device ls [--json]
//	penjire device test [--wait DURATION] NAME
//	penjire device record [--for DURATION] NAME FILE
//	penjire device watch [--for DURATION] [--json] [NAME …]
//	penjire service [--settings FILE] [--socket PATH] [--any-folder] FOLDER
//	penjire support [--settings FILE] [--socket PATH] FILE.zip
//	penjire update status|check|install [--again] [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--json] [FILE|FOLDER]
//	penjire key create|request --handle HANDLE --kiosk NUMBER [--tpm PATH]
//	penjire panel [run|say|unsay|picture] ...
//	penjire first [stick]
//	penjire hardware [--json] [--out FILE] [--root FOLDER]
//	penjire board ls [--json]
//	penjire board show|check NAME|FILE
//	penjire board wiring [--lang tk|ru|en] NAME|FILE > page.html
//	penjire flash [--setup FILE|-] [--roots FILE] [--any-signer] [--yes-i-mean NAME] [IMAGE DEVICE]
//	penjire setup check FILE|-
//	penjire setup write [--any-folder] FILE|- FOLDER
//	penjire image inspect [--quick] [--roots FILE] [--json] IMAGE|DEVICE
//	penjire ticket [--lang tk|ru|en] [--settings FILE] [--socket PATH] [--json]
//	penjire network ls|check|setup ...
//
// verify takes containers (*.asice) of any size, a folder and everything below
// it, one thing on standard input, the text of a printed seal as an address or as
// the letters alone, or an answer packet; one that is sealed to a tracking code
// is opened with --code; or a portal's receipt. --trust names a signed trust bundle, or a folder with
// trust.cbor and roots.pem in it; without it the kiosk's own is used, if this is
// a kiosk. --catalogue names the signed catalogue of services (default: the
// catalogue.cbor beside the bundle): some certificates are limited to services
// that only it knows. --revoked names the portal's signed list of revoked seals
// (default: the revoked-seals.signed beside the bundle): without it only the
// seals that the bundle itself revokes are known. It asks no network. It answers three questions for each thing: is it
// whole, was the signer entitled, what is known of revocation; and a fourth
// beside them, whether anyone but the signer says when.
//
// With --at TIME it answers as if the clock read TIME (RFC 3339, a day, or Unix
// seconds): certificates, revocations and the age of the lists are judged as of
// then. The trust bundle is taken as it is, even if it was issued after TIME.
//
// Who sent a document, what an answer or a seal states, and a citizen's
// certificate are shown only with --show: a technician's terminal may be logged.
// The shape of --json is the type report. The language is --lang, else that of
// LC_ALL, LC_MESSAGES or LANG, else English.
//
// Exit statuses of verify: 0 valid, 1 not valid, 2 cannot tell, 3 wrong use or
// something that could not be looked at. Of several things not valid comes first,
// then 3, then 2. The verdict is about the document and its sender; further
// signatures and counter-signatures have answers of their own.
//
// copy makes the certified A4 copy of an answer, as PDF: from its packet, sealed
// or not, or from its container and the text of its seal. Without a seal that is
// in force there is no copy. Exit statuses: 0 it is made, 1 what is there does
// not certify one, 3 wrong use or something that cannot be read.
//
// trust show says whom a trust bundle trusts: the state list of certification
// centres (ED-39.6) and what else is in it. Exit statuses: 0 it is genuine, 1 it
// is not, 2 it or the roots cannot be read, 3 wrong use.
//
// journal prove asks the running kiosk for the proof that the entry of a request
// stands in its journal: a file that needs nothing but a trust bundle to be
// checked. journal check does that, offline; with --receipt it holds the seal of
// a paper receipt against it, or says what the seal alone shows. Of an outbox
// that nobody has open it checks the journal, and ls lists its entries. Exit
// statuses of journal check: 0 it holds, or the kiosk accepted; 1 it does not, or
// it is proven that the journal was changed; 2 cannot tell; 3 wrong use.
//
// export has the running kiosk put everything that the portal has not confirmed into
// files in FOLDER, on a memory stick: signed, sealed for the portal, flushed and read
// back. The portal's operator takes them and gives answer files; import has the
// kiosk take every answer of its own in FOLDER, old ones and repeated ones too. A
// folder on the kiosk's own disk is refused unless --any-folder says that it is
// meant. Exit statuses: 0 done; 1 not done, not all of it, or nothing there for
// this kiosk; 2 no kiosk answers; 3 wrong use.
//
// queue looks at the requests that the kiosk keeps, names nobody, and asks the
// running kiosk or, where none runs, the folder. receipt writes what the portal
// signed about one request, DECIDED before DURABLE, into a file that verify checks
// without the kiosk and the portal. check verifies all of it; backup
// writes a copy that restore, with the kiosk stopped, makes an outbox of again,
// under a new epoch and together with what is there; salvage opens it once;
// mirror says how the copy on the second medium is; dismiss takes an alarm back.
// Exit statuses: 0 done and well; 1 damaged, not whole, or not found; 2 it could
// not be looked at; 3 wrong use.
//
// device is for who puts a kiosk up or mends it. ls says which devices the board
// wants, where each is looked for and what is plugged in there, why one is not used,
// and what else is plugged in; it opens nothing. test leads through the test of one
// device and asks for what only a person sees. record writes what a device and its
// driver say to one another into a file for its maker's eyes, which holds what was on
// the card or paper used: use specimens. watch tells of every change of state, card
// and paper until it is interrupted, and of no person. The devices are those of the
// settings, or of --board. test and record refuse while the kiosk runs, since it has
// the devices open; watch then tells what the kiosk says.
//
// Exit statuses of device: 0 all is there, confirmed, recorded or told; 1 a device is
// missing, cannot be loaded or fails a step, or nothing was recorded; 2 it could not
// be looked at or tested, or something was not confirmed; 3 wrong use.
//
// service has the running kiosk do what the service ticket in FOLDER, on a memory
// stick, allows: write a support bundle there, log more for a while, go out of
// service for ever. The operator makes one with portald ticket. support writes the
// bundle into a file: for who is logged in where there is a shell. Exit statuses: 0
// done, 1 not done, 2 no kiosk answers, 3 wrong use.
//
// update says where the renewal of the kiosk's software stands, has it ask the portal
// now, or has it take a release from a memory stick: a description (*.release) and its
// bundle (*.raucb) beside it, or the newest one for this board in a folder. What is
// refused changes nothing. install waits for nobody's quiet hours, but for the visit
// and the print that are under way; --again takes what failed here before. Exit
// statuses: 0 said, asked or taken on; 1 refused, or it failed; 2 no kiosk answers, or
// the machine has no slots; 3 wrong use.
//
// Exit statuses of status: 0 well, 1 something does not work, 2 no kiosk answers,
// 3 wrong use.
//
// board says what kiosks are made of. ls lists the boards and says which one this
// machine is; --json is the report to send for hardware that no board describes. show
// prints a board's data, check holds a board's file against what is allowed, wiring
// draws a page to print: which wire goes where. Exit statuses: 0 done and well, 1 the
// board has faults, 2 it cannot be read, 3 wrong use.
//
// flash without arguments lists the media. With IMAGE and DEVICE it writes the image
// to the medium, after asking twice: only to what can be taken out and is not in use.
// The image is checked against its signed manifest before, everything is read back
// after, and the partition table comes last: a medium that is not good starts nothing.
// --setup gives it the set-up of one kiosk. Exit statuses: 0 written and proven;
// 1 refused, or image or medium is bad; 2 it could not be done; 3 wrong use.
//
// image inspect says what an image or a medium is: version, board, signature, slots,
// set-up, data. Exit statuses: 0 it is a kiosk's and the signature is good; 1 it is not;
// 2 it cannot be read; 3 wrong use.
//
// setup check says whose set-up a file is, without its secrets. setup write puts it on
// the memory stick that is mounted at FOLDER, flushed and read back: a kiosk whose card
// was flashed without a set-up takes it from there and wipes it. Exit statuses: 0 it is
// one, and is there; 1 it is none, or is not there; 3 wrong use.
//
// enrol is for a kiosk that has no certificates yet: status says what it lacks and
// when it tries again; code gives it a one-time code (from standard input where none
// is named); export writes its request into FOLDER on a memory stick, import takes
// the portal's answer from there. Exit statuses: 0 done, or enrolled; 1 not; 2 no
// such kiosk answers; 3 wrong use.
//
// key create makes a key in the TPM that cannot leave it and prints the request
// for its certificate (PKCS #10); key request prints that of the key that is
// there. Neither replaces a key. Exit statuses: 0 done, 1 not done, 3 wrong use.
//
// panel is the screen while there is no browser: run, or nothing, shows until it is
// stopped what the kiosk's programs say; say and unsay are how one that is no program
// of ours says it; picture draws what would be shown into a PNG file. Exit statuses:
// 0 done, 1 there is no screen or it is not done, 3 wrong use.
//
// first is root's, and for the image alone: it grows, checks and mounts the data
// partition on every start and takes the set-up of a card that was just flashed. Exit
// statuses: 0 done, 1 the data partition cannot be used, 2 it can, and the set-up on
// the card was not taken, 3 wrong use.
//
// hardware says what this machine is made of, and --out writes it into a file that
// can be sent: it holds no serial numbers and no addresses. Exit statuses: 0 the
// machine is known, 1 it is not known exactly or the image is for another board, 2 it
// could not be looked at, 3 wrong use.
//
// ticket has the running kiosk ask its devices how they are and print what it says of
// itself: number, version, address, portal, certificate, clock and each device. Exit
// statuses: 0 it is printed, 1 it is not or may not be, 2 no kiosk answers, 3 wrong use.
//
// network speaks with NetworkManager: ls says which ways out the machine has and which
// wireless networks are in reach, check follows the way to the portal (address, name,
// port), setup joins what the set-up of a fresh kiosk says and tries until it is
// joined. Exit statuses: 0 done and well, 1 not, 2 it could not be looked at, 3 wrong use.
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

const help = `usage: penjire verify [--trust FOLDER|FILE] [--roots FILE] [--catalogue FILE] [--revoked FILE]
                      [--at TIME] [--lang tk|ru|en] [--show] [--code CODE] [--json] FILE|FOLDER|-|SEAL ...
       penjire copy [--trust FOLDER|FILE] [--roots FILE] [--catalogue FILE] [--revoked FILE] [--portal URL]
                    [--code CODE] [--seal SEAL] [-o FILE] FILE
       penjire trust show [--roots FILE] [--lang tk|ru|en] [--json] [FILE|FOLDER]
       penjire status [--settings FILE] [--socket PATH] [--json]
       penjire export|import [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--any-folder] [--json] FOLDER
       penjire journal prove|check|ls ...
       penjire queue ls|show|receipt|check|salvage|backup|restore|mirror|dismiss ...
       penjire device ls|test|record|watch ...
       penjire service [--settings FILE] [--socket PATH] [--any-folder] FOLDER
       penjire support [--settings FILE] [--socket PATH] FILE.zip
       penjire enrol status|code [CODE]|export FOLDER|import FOLDER [--settings FILE] [--socket PATH]
       penjire update status|check|install ...
       penjire key create|request --handle HANDLE --kiosk NUMBER [--tpm PATH]
       penjire panel [run|say|unsay|picture] ...
       penjire first [stick]
       penjire hardware [--json] [--out FILE] [--root FOLDER]
       penjire board ls|show|check|wiring ...
       penjire flash [--setup FILE|-] [--yes-i-mean NAME] [IMAGE DEVICE]
       penjire setup check FILE|-
       penjire setup write FILE|- FOLDER
       penjire image inspect [--quick] [--json] IMAGE|DEVICE
       penjire ticket [--lang tk|ru|en] [--settings FILE] [--socket PATH] [--json]
       penjire network ls|check|setup ...
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
	case "copy":
		return copyCommand(args[1:], stdout, stderr)
	case "trust":
		return trustCommand(args[1:], stdout, stderr)
	case "journal":
		return journalCommand(context.Background(), args[1:], stdin, stdout, stderr)
	case "queue":
		return queueCommand(context.Background(), args[1:], stdout, stderr)
	case "device":
		return deviceCommand(context.Background(), args[1:], stdin, stdout, stderr)
	case "board":
		return boardCommand(args[1:], stdout, stderr)
	case "flash":
		return flashCommand(context.Background(), args[1:], stdin, stdout, stderr)
	case "setup":
		return setupCommand(context.Background(), args[1:], stdin, stdout, stderr)
	case "image":
		return imageCommand(context.Background(), args[1:], stdout, stderr)
	case "key":
		return key(context.Background(), args[1:], stdout, stderr)
	case "panel":
		return panelCommand(context.Background(), args[1:], stderr)
	case "first":
		return firstCommand(context.Background(), args[1:], stderr)
	case "service":
		return serviceCommand(context.Background(), args[1:], stdout, stderr)
	case "support":
		return supportCommand(context.Background(), args[1:], stdout, stderr)
	case "hardware":
		return hardwareCommand(args[1:], stdout, stderr)
	case "network":
		return networkCommand(context.Background(), args[1:], stdout, stderr)
	case "ticket":
		return ticketCommand(context.Background(), args[1:], stdout, stderr)
	case "export", "import":
		return stickCommand(context.Background(), args[0], args[1:], stdout, stderr)
	case "enrol":
		return enrolCommand(context.Background(), args[1:], stdin, stdout, stderr)
	case "update":
		return updateCommand(context.Background(), args[1:], stdout, stderr)
	case "status":
		return status(context.Background(), args[1:], stdout, stderr)
	case "help", "-h", "--help":
		_, _ = fmt.Fprint(stdout, help)
		return good
	}
	_, _ = fmt.Fprintf(stderr, "penjire: there is no command %q\n%s", args[0], help)
	return usage
}
