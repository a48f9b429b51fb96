Feature: A chart that cannot be installed stops the run
  As an operator
  I want to be told at once what is wrong with the chart
  so that nothing is built and started for it.

  @FR-006 @SC-004
  Scenario Outline: <mistake> is named before a cluster is touched
    Given <mistake>
    When that is to be deployed
    Then it ends before anything is brought to a cluster
    And the message names "<words>" and what to do

    Examples:
      | mistake                                              | words                |
      | a value that the chart does not know                 | backend.replicas     |
      | a value of a kind that the chart does not take       | backend.replicaCount |
      | a template that cannot be read                       | backend.yaml         |
      | a file that describes no chart                       | Chart.yaml           |
      | an earlier version of the chart that there never was | never-was            |
