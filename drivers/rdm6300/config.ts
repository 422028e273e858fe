import { duration, options } from '../../src/driver.js'

export const fields = options({
  // One library takes a tag for gone after 220 ms; bad frames in between ask for more. [RDM6300 §1.5]
  hold: duration('500ms', 'Silence after which the same card counts as presented again; 300ms to 800ms work well.'),
})
