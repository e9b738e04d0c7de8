/** The board: a row for each user, with a peg that says in or away. */

import { memo, useEffect, useRef } from 'react'
import type { User } from 'shoal/browser'
import { initials, parseColor } from '../me.ts'
import { type MyState, useMyState, useUsers } from './shoal.ts'

/** What is typed no longer counts as typing after this long, in milliseconds. */
const typingMs = 1_500
const noteCharsMax = 80

export function Board({ self }: { self: string }) {
  const users = useUsers()
  const rows = [...users.filter(({ user }) => user === self), ...users.filter(({ user }) => user !== self)]
  return (
    <section className="board">
      <p className="columns" aria-hidden="true">
        <span>In</span>
        <span>Away</span>
      </p>
      <ul>
        {rows.map((user) => (
          <Row key={user.user} user={user} own={user.user === self} />
        ))}
      </ul>
    </section>
  )
}

/** A user is the same object until something in it changes, so the rows of the others are not drawn again. */
const Row = memo(function Row({ user: { user, members, away }, own }: { user: User<MyState>; own: boolean }) {
  const [{ name, state }] = members as [(typeof members)[0]]
  const typing = members.some(({ state }) => state.typing === true)
  return (
    <li className={away ? 'away' : 'in'} data-user={user}>
      <span className="slot">
        <span className="peg" style={{ background: parseColor(state.color) }}>
          {initials(name)}
        </span>
      </span>
      <span className="name">
        <bdi>{name}</bdi>
        <small>
          {[own && 'you', away && 'away', members.length > 1 && `${members.length} tabs`].filter(Boolean).join(', ')}
        </small>
      </span>
      {own ? <MyNote /> : <Note text={noteOf(members)} typing={typing} />}
    </li>
  )
})

function Note({ text, typing }: { text: string; typing: boolean }) {
  return (
    <span className="note">
      <bdi>{text}</bdi>
      {typing && (
        <span className="typing" role="img" aria-label="typing">
          <i />
          <i />
          <i />
        </span>
      )}
    </span>
  )
}

function MyNote() {
  const [{ note }, setState] = useMyState()
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined)
  const rest = () => {
    clearTimeout(pause.current)
    setState({ typing: undefined })
  }
  useEffect(() => () => clearTimeout(pause.current), [])
  return (
    <input
      className="note"
      aria-label="What you are up to"
      placeholder="What are you up to?"
      maxLength={noteCharsMax}
      value={note ?? ''}
      onChange={({ target }) => {
        setState({ note: target.value, typing: true })
        clearTimeout(pause.current)
        pause.current = setTimeout(rest, typingMs)
      }}
      onBlur={rest}
    />
  )
}

/** What others publish can be anything. */
function noteOf(members: User<MyState>['members']): string {
  const notes = members.map(({ state }) => state.note).filter((note) => typeof note === 'string')
  return (notes.find((note) => note !== '') ?? '').slice(0, noteCharsMax)
}
