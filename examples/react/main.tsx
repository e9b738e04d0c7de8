/** Who is here: an in/out board in React. Its rows are users, however many tabs each has open. */

import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { join } from 'shoal/browser'
import { type Me, remembered, roomOfPage } from '../me.ts'
import { Board } from './board.tsx'
import { Reviews } from './reviews.tsx'
import { type MyState, ShoalProvider, useStatus, useUsers } from './shoal.ts'
import { Welcome } from './welcome.tsx'

const { room, signaling } = roomOfPage()

function App() {
  const [me, setMe] = useState(remembered)
  return me ? <Room me={me} /> : <Welcome onEnter={setMe} />
}

function Room({ me: { user, name, color } }: { me: Me }) {
  return (
    <ShoalProvider
      join={(signal) => join<MyState>({ room, signaling, user, name, state: { color, note: '' }, signal })}
    >
      <header>
        <h1>
          <bdi>{room}</bdi>
        </h1>
        <Standing />
      </header>
      <Board self={user} />
      <Reviews />
      <Alone />
    </ShoalProvider>
  )
}

function Standing() {
  const { status, reason } = useStatus()
  return (
    <p className={`standing ${status}`} role="status">
      {status === 'joined' ? 'joined' : `${status}${reason && `: ${reason}`}`}
    </p>
  )
}

function Alone() {
  const alone = useUsers(({ length }) => length === 1)
  return alone && <p className="alone">Only you so far. Another tab is you again; a private window is somebody else.</p>
}

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
