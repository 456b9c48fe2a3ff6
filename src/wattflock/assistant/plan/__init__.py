"""From agreed slots to a plan for one home: parameters, devices, a linear program, words, offers, exports."""
