/** The first visit: by what name and colour one is known here. */

import { useState } from 'react'
import { colors, type Me, remember } from '../me.ts'

export function Welcome({ onEnter }: { onEnter: (me: Me) => void }) {
  const [color, setColor] = useState(() => colors[Math.floor(Math.random() * colors.length)]!)
  const [name, setName] = useState('')
  return (
    <form
      className="welcome"
      onSubmit={(event) => {
        event.preventDefault()
        onEnter(remember(name, color))
      }}
    >
      <h1>Put your name on the board</h1>
      <label>
        Your name
        <input
          className="field"
          required
          maxLength={40}
          pattern=".*\S.*"
          title="A name"
          autoComplete="nickname"
          spellCheck={false}
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
      </label>
      <fieldset>
        <legend>Your peg</legend>
        <div className="pegs">
          {colors.map((one, i) => (
            <input
              key={one}
              type="radio"
              name="color"
              aria-label={`colour ${i + 1}`}
              style={{ background: one }}
              checked={one === color}
              onChange={() => setColor(one)}
            />
          ))}
        </div>
      </fieldset>
      <button type="submit">Hang it up</button>
    </form>
  )
}
