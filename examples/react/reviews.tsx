/** Who is free for a review: tabs offer that as a service, as a process offers its port, and everybody finds it. */

import { useRef } from 'react'
import type { Instance, Registration } from 'shoal/browser'
import { parseColor } from '../me.ts'
import { useMember, usePeer, useService } from './shoal.ts'

export function Reviews() {
  const peer = usePeer()
  const free = useService('review', { passing: true })
  const offer = useRef<Registration>(undefined)
  const offered = free.some(({ member }) => member === peer?.id)
  const change = () => {
    if (offered) offer.current?.deregister()
    else offer.current = peer?.register({ service: 'review' })
  }
  return (
    <section className="reviews">
      <h2>Free for a review</h2>
      <ul>
        {free.map((instance) => (
          <Tag key={instance.id} instance={instance} />
        ))}
      </ul>
      {free.length === 0 && <p>Nobody just now.</p>}
      <button type="button" disabled={!peer} aria-pressed={offered} onClick={change}>
        {offered ? 'I am busy' : 'I am free'}
      </button>
    </section>
  )
}

function Tag({ instance: { member, name } }: { instance: Instance }) {
  const color = useMember(member)?.state.color
  return (
    <li style={{ borderColor: parseColor(color) }}>
      <bdi>{name}</bdi>
    </li>
  )
}
