/**
 * A Nostr relay, where Trystero's tabs find each other: the part of NIP-01 that is about events nobody keeps. It believes
 * every signature, since checking them in JavaScript takes milliseconds each, which would be measured as Trystero's.
 *
 *     PORT=21400 node bench/web/nostr-relay.mjs
 */

import { WebSocketServer } from 'ws'

/** For each socket its subscriptions: filters by id. */
const clients = new Map()

const answers = {
  REQ(client, id, ...filters) {
    clients.get(client).set(id, filters)
    say(client, 'EOSE', id)
  },
  CLOSE(client, id) {
    clients.get(client).delete(id)
  },
  EVENT(client, event) {
    say(client, 'OK', event.id, true, '')
    for (const [other, subscriptions] of clients) {
      for (const [id, filters] of subscriptions) {
        if (filters.some((filter) => matches(filter, event))) say(other, 'EVENT', id, event)
      }
    }
  },
}

new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT) }).on('connection', (client) => {
  clients.set(client, new Map())
  client.on('message', (data) => {
    const [verb, ...rest] = JSON.parse(data)
    answers[verb]?.(client, ...rest)
  })
  client.on('close', () => clients.delete(client))
})

/** The fields of filters that Trystero uses. */
function matches({ kinds, since, '#x': topics }, event) {
  return (
    kinds.includes(event.kind) &&
    event.created_at >= since &&
    event.tags.some(([name, topic]) => name === 'x' && topics.includes(topic))
  )
}

function say(client, ...message) {
  client.send(JSON.stringify(message))
}
