"""Drawing: components, the status strip, navigation. The only part of `app` that pages draw with."""
