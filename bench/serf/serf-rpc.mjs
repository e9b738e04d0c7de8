/** As much of Serf's RPC as the bench asks: msgpack over TCP, a header and perhaps a body each way, one call at a time. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { Packr, UnpackrStream } from 'msgpackr'

const packr = new Packr({ useRecords: false, variableMapSize: true })
/** Commands whose answer has a body. */
const answered = new Set(['members-filtered'])

export class SerfRpc {
  #socket
  #answers
  #seq = 0

  static async open(port) {
    const rpc = new SerfRpc()
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    rpc.#socket = socket
    await once(socket, 'connect')
    const values = socket.pipe(new UnpackrStream({ useRecords: false }))
    socket.once('close', () => values.end())
    socket.on('error', () => {})
    rpc.#answers = values[Symbol.asyncIterator]()
    await rpc.call('handshake', { Version: 1 })
    return rpc
  }

  async call(command, body) {
    this.#socket.write(Buffer.concat([packr.pack({ Command: command, Seq: ++this.#seq }), packr.pack(body)]))
    const header = await this.#next()
    if (header.Error) throw new Error(`serf ${command}: ${header.Error}`)
    return answered.has(command) ? this.#next() : undefined
  }

  close() {
    this.#socket.destroy()
  }

  async #next() {
    const { done, value } = await this.#answers.next()
    if (done) throw new Error('serf closed the RPC connection')
    return value
  }
}
