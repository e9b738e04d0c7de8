/** The list of members, tabs and servers apart. */

import type { Member } from '../../core/index.ts'
import { colorOf } from './color.ts'
import { isPresent } from './company.ts'
import { shownName } from './name.ts'
import { element, glyph, part, Rows, setData, setText } from './rows.ts'
import { facts } from './wording.ts'

export class Roster {
  #selfId = ''
  readonly #tabs = new Rows<Member>(part('tabs'), makeRow, (row, member) => this.#fill(row, member))
  readonly #servers = new Rows<Member>(part('servers'), makeRow, (row, member) => this.#fill(row, member))

  show(members: readonly Member[], selfId: string): void {
    this.#selfId = selfId
    const servers = members.filter((member) => member.mode === 'server')
    const tabs = members.filter((member) => member.mode !== 'server')
    this.#tabs.show(tabs, (member) => member.id)
    this.#servers.show(servers, (member) => member.id)
    setText(part('tabs-count'), String(tabs.filter(isPresent).length))
    setText(part('servers-count'), String(servers.filter(isPresent).length))
    part('alone').hidden = tabs.length > 1
    part('no-servers').hidden = servers.length > 0
  }

  #fill(row: HTMLElement, member: Member): void {
    const self = member.id === this.#selfId
    setData(row, { name: member.name, status: member.status, mode: member.mode, via: member.via })
    row.toggleAttribute('data-self', self)
    row.style.setProperty('--color', colorOf(member))
    setText(row.querySelector('.name')!, shownName(member.name))
    setText(row.querySelector('.facts')!, facts(member, self))
  }
}

function makeRow(member: Member): HTMLElement {
  const server = member.mode === 'server'
  const row = element('li', '', glyph(server ? 'lighthouse' : 'fish'), element('bdi', 'name'), element('span', 'facts'))
  setData(row, { member: member.id, kind: server ? 'server' : 'tab' })
  return row
}
