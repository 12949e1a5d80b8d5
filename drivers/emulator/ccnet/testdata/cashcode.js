// Uses cashcode-bv, which knows nothing of us, as its README says: connects, lets
// bills in, stacks the first and gives back the second. Its serial port is a
// connection to argv[2]; everything else is as it came from npm.
const Module = require('module')
const net = require('net')

class Line extends net.Socket {
  constructor (address) { super(); this.address = address; this.isOpen = false }
  open (done) {
    const [host, port] = this.address.split(':')
    this.connect(Number(port), host, () => { this.isOpen = true; this.emit('open'); done(null) })
  }
  close (done) { this.isOpen = false; this.end(done) }
  onSerialPortClose () {}
}
const load = Module._load
Module._load = (name, ...rest) => name === 'serialport' ? Line : load(name, ...rest)

const { CCNet } = require(require.resolve('cashcode-bv', { paths: [process.cwd()] }))
const say = (...words) => console.log(...words)
const device = new CCNet.BillValidator(process.argv[2])
let bills = 0
device.on('escrow', (bill) => {
  say('escrow', bill.amount, bill.code)
  if (bills++ === 0) device.stack(); else device.retrieve()
})
device.on('stacked', (bill) => say('stacked', bill.amount, bill.code))
device.on('returned', async (bill) => {
  say('returned', bill.amount, bill.code)
  await device.end()
  device.on('disabled', () => { say('disabled'); process.exit(0) })
})
device.on('cassette-full', () => say('cassette-full'))
device.connect().then(async () => {
  say('connected', device.info.model, device.info.serial, device.billTable.filter((b) => b.amount > 0).length)
  device.once('disabled', () => device.begin())
}).catch((error) => { say('failed', error.message); process.exit(1) })
