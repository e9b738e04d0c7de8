/** The list of services: who offers each, where, and how well it is. */

import type { Instance, Member } from '../../core/index.ts'
import { colorOf } from './color.ts'
import { isPresent } from './company.ts'
import { shownName } from './name.ts'
import { element, glyph, part, Rows, setData, setText } from './rows.ts'

interface Offer {
  readonly instance: Instance
  readonly member: Member
}

/** More than this many services, or instances of one, are not shown. */
const shownMax = 50

export class Directory {
  readonly #services = new Rows<[string, Offer[]]>(part('services'), makeService, fillService)

  show(members: readonly Member[]): void {
    const offers = new Map<string, Offer[]>()
    for (const member of members.filter(isPresent)) {
      for (const instance of member.services) {
        const offer = { instance, member }
        const others = offers.get(instance.service)
        if (others) others.push(offer)
        else offers.set(instance.service, [offer])
      }
    }
    const services = [...offers].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, shownMax)
    this.#services.show(services, ([service]) => service)
    part('no-services').hidden = services.length > 0
  }
}

/** The rows inside a service's row; they go when it goes. */
const instances = new WeakMap<HTMLElement, Rows<Offer>>()

function makeService([service]: [string, Offer[]]): HTMLElement {
  const list = element('ul')
  const row = element('li', '', element('h3', '', service), list)
  setData(row, { service })
  instances.set(row, new Rows(list, makeInstance, fillInstance))
  return row
}

function fillService(row: HTMLElement, [, offers]: [string, Offer[]]): void {
  instances.get(row)?.show(offers.slice(0, shownMax), ({ instance }) => instance.id)
}

function makeInstance({ instance, member }: Offer): HTMLElement {
  const drawing = glyph(member.mode === 'server' ? 'lighthouse' : 'fish')
  const row = element('li', '', drawing, element('bdi', 'name'), element('code'), element('span', 'health'))
  setData(row, { instance: instance.id })
  return row
}

function fillInstance(row: HTMLElement, { instance, member }: Offer): void {
  const state = instance.status === 'alive' ? instance.health : instance.status
  setData(row, { health: instance.health, status: instance.status })
  row.style.setProperty('--color', colorOf(member))
  setText(row.querySelector('.name')!, shownName(member.name))
  setText(row.querySelector('code')!, shownName(addressOf(instance)))
  setText(row.querySelector('.health')!, state === 'suspect' ? 'not answering' : state)
}

function addressOf({ address, port }: Instance): string {
  if (address === undefined) return port === undefined ? 'in the room' : `port ${port}`
  const host = address.includes(':') ? `[${address}]` : address
  return port === undefined ? host : `${host}:${port}`
}
